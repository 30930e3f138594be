"""What the audit found, held against what clients were told: the part that is the same in both forms of Usher."""
from collections import Counter


class Audited:
    def __init__(self, ledger, totals):
        self.ledger, self.totals = ledger, totals
        self.position = (-1, -1)
        self.reported = set()  # What was counted once is not counted at the next audit again.
        self.records = 0

    def compare(self, told, found, problem):
        if problem:
            if self.first("problem"):
                self.totals.state_differs += 1
                self.totals.trouble(f"what is stored cannot be audited: {problem}")
            return
        self.compare_input(told, found)
        self.compare_assignments(told, found)
        position = (found["epoch"], found["offset"])
        if (found["stale_writes"] or position < self.position) and self.first(("stale", position)):
            self.totals.stale_writes += max(1, found["stale_writes"])
            self.totals.trouble(f"stale writes {found['stale_writes']}; stored {position} after {self.position}; "
                                f"{found['remarks'][:3]}")
        self.position = max(position, self.position)
        if found["effects_lost"] and self.first(("effects", found["effects_lost"])):
            self.totals.lost += found["effects_lost"]
            self.totals.trouble(f"{found['effects_lost']} effects lost: {found['remarks'][:3]}")
        if found["state_differs"] and self.first("differs"):
            self.totals.state_differs += 1
            self.totals.trouble(f"state differs: {found['differences'][:3]}")
        if found["unreadable"] and self.first("unreadable"):
            self.totals.trouble(f"{found['unreadable']} records were set aside that this harness never spoilt")
        self.records = found["records"]

    def compare_input(self, told, found):
        counted = Counter(found["messages"])
        commands = {tuple(one) for one in found["commands"]}
        lost = [("message", key, id) for key, id in told.messages.items() if counted[id] == 0]
        lost += [("command", *one) for one in told.commands if one not in commands]
        for one in filter(self.first, lost):
            self.totals.lost += 1
            self.totals.trouble(f"acknowledged and lost: {one}")
        for id in (id for id, count in counted.items() if count > 1):
            if self.first(("twice", id)):
                self.totals.trouble(f"message {id} was taken in {counted[id]} times")

    def compare_assignments(self, told, found):
        # What an agent was told it holds, the journal says too: or it was told before the commit, and another has it now.
        made = {tuple(one) for one in found["assignments"]}
        given = {conversation for conversation, _ in made}
        wrong = [one for one in told.assignments if one not in made and self.first(("assigned", one))]
        for one in wrong:
            self.totals.assigned_twice += one[0] in given
            self.totals.trouble(f"an agent was told of an assignment that the journal has not: {one}")
        if found["assigned_twice"] and self.first("assigned"):
            self.totals.assigned_twice += found["assigned_twice"]
            self.totals.trouble(f"assigned twice in the journal: {found['assigned_twice']}")

    def first(self, what):
        fresh = what not in self.reported
        self.reported.add(what)
        return fresh

    def finish(self):
        """The last audit: after it, these acknowledgements count."""
        self.audit()
        told = self.ledger.so_far()
        self.totals.acknowledged += len(told.messages) + len(told.commands)
        for trouble in told.troubles:
            self.totals.trouble(trouble)
