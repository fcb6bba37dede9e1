"""What a trigger is owed a run for, and what of it is due: pure decisions over what was seen and what is kept.

A cause is an upstream run that ended, or a state of data. Each is owed at most one run, whose name is made of the
trigger and the cause; `due` decides, `state` is what is kept between two passes, `standing` what people are told.
"""
