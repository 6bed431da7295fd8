"""Who may enter where and when: schedules, rules, threat levels, compiled to masks."""
