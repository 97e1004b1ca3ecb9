with

listed as (

    select * from {{ touched('stg_stripe__subscription_discounts', 'subscription') }}

),

-- one that an invoice took goes on for the invoice's period, though the subscription no longer has it
carried as (

    select
        versions.account,
        versions.version_number,
        used.subscription_id,
        used.discount_id,
        used.used_from,
        used.used_until

    from {{ ref('int_discounts_used_once') }} as used

    inner join {{ ref('int_versions_put_in_order') }} as versions
        on
            used.account = versions.account
            and used.subscription_id = versions.subscription_id
            and used.used_until > versions.version_at

    where
        not exists (
            select 1 from listed
            where
                used.account = listed.account
                and versions.version_number = listed.version_number
                and used.discount_id = listed.discount_id
        )

)

select * from carried
