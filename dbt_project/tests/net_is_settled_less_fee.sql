-- What Stripe says it paid out for a movement is the amount less the fee.
select * from {{ ref('fct_payments') }}

where net_minor <> settled_minor - fee_minor
