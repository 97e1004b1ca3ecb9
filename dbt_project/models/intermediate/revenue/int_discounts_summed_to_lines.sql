with

discounts as (

    select * from {{ ref('int_discounts_taken_off_lines') }}

),

rules as (

    select distinct
        discount_rule,
        coupon_forever,
        coupon_repeating,
        coupon_once
    from {{ ref('int_profiles_combined_to_rule_sets') }}

),

-- a coupon that is not known is taken off, unless none is
summed as (

    select
        discounts.account,
        discounts.invoice_id,
        discounts.line_id,
        rules.discount_rule,
        sum(discounts.discount_minor) as discount_minor

    from discounts

    cross join rules

    where {{ is_coupon_counted("coalesce(discounts.coupon_duration, 'forever')", 'rules') }}

    group by all

)

select * from summed
