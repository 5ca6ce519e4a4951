-- A project is an organization, by its id: https://www.better-auth.com/docs/plugins/organization
-- Its row in "member" proves who is in it; the session's "activeOrganizationId" is only what was looked at last.
-- Where several are owners, the plan is that of the first. Roles are a list with commas.
select boss."userId" as owner_id,
    case
        when 'owner' = any (string_to_array(replace(own.role, ' ', ''), ',')) then 'owner'
        when 'admin' = any (string_to_array(replace(own.role, ' ', ''), ',')) then 'admin'
        else 'member'
    end as role
from public.member as own
cross join lateral (
    select first."userId"
    from public.member as first
    where first."organizationId" = own."organizationId"
        and 'owner' = any (string_to_array(replace(first.role, ' ', ''), ','))
    order by first."createdAt", first.id
    limit 1
) as boss
where own."organizationId" = :project_id and own."userId" = :user_id
limit 1
