with

persons as (

    select * from {{ ref('int_facts_gathered_to_person') }}

),

payments as (

    select * from {{ ref('agg_person_payments') }}

),

subscriptions as (

    select * from {{ ref('agg_person_subscriptions') }}

),

sessions as (

    select * from {{ ref('agg_person_sessions') }}

),

touches as (

    select * from {{ ref('agg_person_touches') }}

),

emails as (

    select * from {{ ref('agg_person_emails') }}

),

permissions as (

    select * from {{ ref('int_permissions_gathered_to_address') }}

),

address_keys as (

    select * from {{ ref('stg_state__address_keys') }}

),

-- the zone of a country that has several is the one where most of its people live
country_zones as (

    select
        timezone,
        country
    from {{ ref('time_zones') }}

    where country is not null

),

described as (

    select
        -- ids
        persons.person_id,
        persons.user_id,
        persons.stripe_customer_ids,

        -- strings
        persons.email,
        persons.first_name,
        persons.name,
        persons.country,
        coalesce(sessions.timezone, country_zones.timezone, '{{ reporting_timezone() | trim }}') as timezone,
        subscriptions.subscription_status,
        subscriptions.plan,
        subscriptions.interval,
        subscriptions.cancellation_reason,
        subscriptions.mrr_currency,
        coalesce(payments.currency, persons.currency) as currency,
        touches.acquisition_channel,
        touches.acquisition_referrer,
        touches.acquisition_page,
        touches.first_utm_source,
        touches.first_utm_medium,
        touches.first_utm_campaign,
        touches.last_touch_channel,
        touches.last_utm_source,
        touches.last_utm_medium,
        touches.last_utm_campaign,
        permissions.suppression_reason,

        -- numerics
        coalesce(subscriptions.mrr_minor, 0) as mrr_minor,
        coalesce(payments.lifetime_value_minor, 0) as lifetime_value_minor,
        coalesce(payments.refunded_minor, 0) as refunded_minor,
        subscriptions.interval_count,
        coalesce(subscriptions.open_subscriptions_count, 0) as open_subscriptions_count,
        coalesce(payments.payments_count, 0) as payments_count,
        coalesce(payments.failed_payments_count, 0) as failed_payments_count,
        coalesce(payments.refunds_count, 0) as refunds_count,
        coalesce(payments.disputes_count, 0) as disputes_count,
        coalesce(sessions.event_count, 0) as event_count,
        coalesce(sessions.event_count_30d, 0) as event_count_30d,
        coalesce(sessions.page_view_count, 0) as page_view_count,
        coalesce(sessions.session_count, 0) as session_count,
        coalesce(sessions.session_count_30d, 0) as session_count_30d,
        {{ whole_days_between(
            'greatest(persons.last_seen_at, sessions.last_event_at, payments.last_payment_at)', as_of()
        ) }} as days_since_last_seen,
        coalesce(emails.email_delivered_count, 0) as email_delivered_count,
        coalesce(emails.email_open_count, 0) as email_open_count,
        coalesce(emails.email_click_count, 0) as email_click_count,

        -- booleans
        coalesce(permissions.has_consent, false) as has_consent,
        coalesce(permissions.is_suppressed, false) as is_suppressed,
        -- who agrees again after having unsubscribed in a mail is no longer unsubscribed
        coalesce(permissions.has_withdrawn, false) or coalesce(
            emails.has_unsubscribed and (
                permissions.consent_granted_at is null
                or permissions.consent_granted_at < emails.last_unsubscribed_at
            ), false
        ) as is_unsubscribed,
        persons.is_guest,
        coalesce(subscriptions.is_canceling, false) as is_canceling,

        -- timestamps
        persons.signed_up_at,
        least(persons.first_seen_at, sessions.first_event_at, payments.customer_since) as first_seen_at,
        greatest(persons.last_seen_at, sessions.last_event_at, payments.last_payment_at) as last_seen_at,
        sessions.last_session_at,
        payments.customer_since,
        payments.last_payment_at,
        payments.last_failed_payment_at,
        subscriptions.subscribed_at,
        subscriptions.trial_ends_at,
        subscriptions.cancels_at,
        subscriptions.subscription_ended_at,
        emails.last_email_delivered_at,
        emails.last_email_opened_at,
        emails.last_email_clicked_at,
        emails.last_email_bounced_at,
        permissions.consent_granted_at

    from persons

    left join payments on persons.person_id = payments.person_id

    left join subscriptions on persons.person_id = subscriptions.person_id

    left join sessions on persons.person_id = sessions.person_id

    left join country_zones on persons.country = country_zones.country

    left join touches on persons.person_id = touches.person_id

    left join emails on persons.person_id = emails.person_id

    left join address_keys on persons.email = address_keys.email

    left join permissions
        on coalesce(address_keys.address_key, {{ sha256_hex('persons.email') }}) = permissions.address_key

)

select * from described
