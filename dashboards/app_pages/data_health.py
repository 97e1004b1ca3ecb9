from dashboards.parts.frame import page_title
from dashboards.view import current_view
page_title(current_view(), "data_health")
