with

rules as (

    select distinct discount_rule from {{ ref('int_profiles_combined_to_rule_sets') }}

    where rule_set <> {{ every_profile() }}

),

-- a coupon that ends, or one of which that is not known
with_coupons as (

    select
        account,
        subscription_id
    from {{ ref('int_discounts_matched_to_coupons') }}
    where coupon_duration is distinct from 'forever'

    union

    select
        account,
        subscription_id
    from {{ ref('int_discounts_taken_off_lines') }}
    where coupon_duration is distinct from 'forever'

)

select
    with_coupons.account,
    with_coupons.subscription_id,
    rules.discount_rule

from with_coupons

cross join rules
