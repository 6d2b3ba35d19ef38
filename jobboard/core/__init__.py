"""Values in, values out: names, boards, schedules, the merge and the plan. No input or output here."""
