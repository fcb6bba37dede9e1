from dsl_components import say
from kfp import dsl


@dsl.pipeline(name="facts-of-the-run", description="A test.")
def pipeline():
    say(text=dsl.PIPELINE_JOB_ID_PLACEHOLDER).set_display_name("id")
    say(text=dsl.PIPELINE_JOB_NAME_PLACEHOLDER).set_display_name("name")
    say(text=dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER).set_display_name("resource")
    say(text=dsl.PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER).set_display_name("created")
    say(text=dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER).set_display_name("scheduled")
    say(text=dsl.PIPELINE_TASK_ID_PLACEHOLDER).set_display_name("task-id")
    say(text=dsl.PIPELINE_TASK_NAME_PLACEHOLDER).set_display_name("task-name")
