
state: list[array]

