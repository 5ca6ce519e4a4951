"""Letters that a moment calls for, and nothing that happened."""

from lifecycle.expiring_cards import card_reminder_at, reminded_of_card
from lifecycle.letters import letter
from lifecycle.notifications import Notification
from workflows import timeline
from workflows.life import Life


async def remind_of_card(life: Life) -> None:
    """Said on the first of the card's last month, and before the charge that it would miss; each once."""
    moment = card_reminder_at(life.subscription)
    if moment is None or not await life.quiet_until(moment, "the reminder of an expiring card"):
        return
    before, now = life.subscription, max(life.clock.now(), moment)
    life.subscription = reminded_of_card(before, now)
    due = letter(Notification.CARD_EXPIRING, before, life.subscription)
    await life.save([timeline.reminded_of_card(life.subscription, now)], letters=[due])
