-- A project is a team of an organization, by the team's id: https://www.better-auth.com/docs/plugins/organization#teams
-- Who is in it has a row in "teamMember" and is still in the organization, whose first owner's plan it lives on.
select boss."userId" as owner_id,
    case
        when 'owner' = any (string_to_array(replace(own.role, ' ', ''), ',')) then 'owner'
        when 'admin' = any (string_to_array(replace(own.role, ' ', ''), ',')) then 'admin'
        else 'member'
    end as role
from public.team
join public."teamMember" as place on place."teamId" = team.id
join public.member as own on own."organizationId" = team."organizationId" and own."userId" = place."userId"
cross join lateral (
    select first."userId"
    from public.member as first
    where first."organizationId" = team."organizationId"
        and 'owner' = any (string_to_array(replace(first.role, ' ', ''), ','))
    order by first."createdAt", first.id
    limit 1
) as boss
where team.id = :project_id and own."userId" = :user_id
limit 1
