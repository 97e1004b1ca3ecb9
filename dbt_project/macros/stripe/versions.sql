{#-
  Since when a version of a subscription holds: not when we saw it, where it says better. Inside a span nothing is known
  of between two looks; a trial that was over meanwhile converted when it ended.
-#}
{% macro version_valid_from() -%}
    case
        when is_reaching_back then least(version_at, coalesce(trial_ended_at, started_at, version_at))
        when subscription_status = 'canceled'
            then greatest(
                least(coalesce(ended_at, version_at), version_at), coalesce(previous_at, ended_at, version_at)
            )
        when
            previous_status = 'trialing' and is_going_on
            and trial_ended_at > previous_at and trial_ended_at < version_at
            then trial_ended_at
        else version_at
    end
{%- endmacro %}
