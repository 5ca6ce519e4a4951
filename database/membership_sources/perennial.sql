select boss.user_id as owner_id, own.role
from billing.project_members as own
join billing.project_members as boss on boss.project_id = own.project_id and boss.role = 'owner'
where own.project_id = :project_id and own.user_id = :user_id
