select
    account,
    product_id,
    product_name,
    product_description,
    is_active,
    created_at

from {{ ref('stg_stripe__products') }}
