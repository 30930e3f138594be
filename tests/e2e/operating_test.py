"""Operating: restarts with work in hand, backup and restore, bad configuration, reload, dead letters, the programs themselves."""
import io
import signal
import sqlite3
import subprocess
import tarfile

from agent import Refused
from case import EndToEnd, only_on
from world import PROGRAMS, World, wait_for


class Restarts(EndToEnd):
    def test_work_in_hand_survives_a_clean_stop(self):
        self.restart_with_work(hard=False)

    def test_work_in_hand_survives_kill_9(self):
        self.restart_with_work(hard=True)

    def restart_with_work(self, hard):
        world = self.world(lambda config: config["times"].update(session_grace="60s"))
        ana = world.sign_in("ana")
        held = self.accepted(world.form(email="a@b.example", message="In hand"))
        conversation = ana.take()
        ana.reply(conversation, "Before the restart", id="reply-1")
        waiting = self.accepted(world.post("Un remboursement", key="fr", language="fr"))
        world.restart(hard)
        ana.connect()
        self.assertEqual([conversation["id"]], [c["id"] for c in ana.welcome["conversations"]])
        self.assertEqual(["In hand", "Before the restart"],
                         [m["text"] for m in ana.welcome["conversations"][0]["messages"]])
        ana.reply(conversation, "Before the restart", id="reply-1")
        ana.reply(conversation, "After the restart")
        self.assertEqual(["In hand", "Before the restart", "After the restart"],
                         [m["text"] for m in world.read_link(held["link"])["messages"]])
        chloe = world.sign_in("chloe")
        self.assertEqual("Un remboursement", chloe.take()["messages"][-1]["text"])
        self.assertTrue(waiting["id"])

    def test_everything_acknowledged_before_kill_9_is_there_after(self):
        world = self.world()
        ids = [self.accepted(world.post(f"Message {n}", key=f"k{n}", sender=f"u{n}"))["id"] for n in range(50)]
        world.restart(hard=True)
        self.assertEqual(50, len(world.operate("GET", "/v1/conversations?limit=500").json()["conversations"]))
        self.assertEqual(ids, [self.accepted(world.post("again", key=f"k{n}", sender=f"u{n}"))["id"] for n in range(50)])

    def test_a_clean_stop_exits_0_and_tells_agents_with_1012(self):
        world = self.world()
        ana = world.sign_in("ana")
        self.assertEqual(0, world.stop())
        ana.expect_closed(1012)

    def test_a_stop_in_the_moment_the_doors_open_is_as_clean_as_any(self):
        world = self.world()
        for _ in range(10):
            self.assertEqual(0, world.stop())
            world.begin()
            while not world.ready_or_dead():
                pass
        self.assertEqual(0, world.stop())
        self.assertNotIn("stopped before it was ready", world.log_text())

    def test_a_second_daemon_on_the_same_folder_is_refused_with_a_sentence(self):
        world = self.world()
        second = World(start=False)
        self.addCleanup(second.close)
        other = second.spawn(data=world.data)
        self.assertEqual(75, other.wait(timeout=20))
        self.assertIn(str(world.data), second.log_text())
        self.assertTrue(world.ready())


@only_on("embedded")  # Kafka and Redis have backups of their own.
class Backups(EndToEnd):
    def test_a_backup_taken_while_running_restores_to_the_same_state(self):
        world = self.world(lambda config: config["times"].update(session_grace="60s"))
        ana = world.sign_in("ana")
        kept = self.accepted(world.form(email="a@b.example", message="Keep me"))
        conversation = ana.take()
        ana.reply(conversation, "Kept reply")
        backup = world.folder / "backup"
        made = world.ctl("backup", str(backup))
        self.assertEqual(0, made.returncode, made.stderr)
        self.accepted(world.post("After the backup", key="late", sender="u9"))
        refused = world.ctl("restore", str(backup), "--data", str(world.data), admin=False)
        self.assertNotEqual(0, refused.returncode, "a running daemon's folder is never overwritten")
        world.stop()
        world.data = world.folder / "restored"
        restored = world.ctl("restore", str(backup), "--data", str(world.data), admin=False)
        self.assertEqual(0, restored.returncode, restored.stderr)
        world.start()
        self.assertEqual(["Keep me", "Kept reply"], [m["text"] for m in world.read_link(kept["link"])["messages"]])
        ana.connect()
        self.assertEqual([conversation["id"]], [c["id"] for c in ana.welcome["conversations"]])
        self.assertEqual(1, len(world.operate("GET", "/v1/conversations").json()["conversations"]))


    def test_a_damaged_backup_is_refused_with_a_sentence_and_one_of_an_earlier_build_with_a_warning_is_not(self):
        world = self.world()
        self.accepted(world.post("Keep me", key="k"))
        backup = world.folder / "backup"
        self.assertEqual(0, world.ctl("backup", str(backup)).returncode)
        members = members_of(backup)
        target = world.folder / "target"
        for name in members:
            changed = dict(members)
            changed[name] = bytes([changed[name][0] ^ 1]) + changed[name][1:]
            refused = self.restored(world, changed, target)
            self.assertEqual(65, refused.returncode, (name, refused))
            self.assertIn("cannot be restored", refused.stderr)
            self.assertEqual([], [entry.name for entry in target.iterdir() if entry.name != "usher.lock"])
        earlier = {**members, "usher-backup.json": b'{"v":1}\n'}
        warned = self.restored(world, earlier, target)
        self.assertEqual((0, True), (warned.returncode, "warning: " in warned.stderr), warned)
        self.assertTrue((target / "usher.db").exists())

    def restored(self, world, members, target):
        archive = world.folder / "changed.tar"
        with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as tar:
            for name, content in members.items():
                about = tarfile.TarInfo(name)
                about.size = len(content)
                tar.addfile(about, io.BytesIO(content))
        return world.ctl("restore", str(archive), "--data", str(target), admin=False)


def members_of(archive):
    with tarfile.open(archive) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


class Configuration(EndToEnd):
    def test_every_error_of_a_bad_configuration_is_reported_at_once_with_its_place(self):
        world = self.world(start=False)
        world.config_file.write_text("tenant: acme\nhttp: {listne: 127.0.0.1:1}\nqueues: {support: {urgency: hot}}\n"
                                     "default_queue: nowhere\nagents: {ana: {skills: {english: 9}}}\n")
        for command in (["check-config", world.config_file], ["run", "--config", world.config_file, "--data", world.data]):
            done = subprocess.run([PROGRAMS / "usherd", *command], capture_output=True, text=True, timeout=30)
            self.assertEqual(78, done.returncode, done)
            lines = [line for line in (done.stdout + done.stderr).splitlines() if f"{world.config_file.name}:" in line]
            for place in (":2:", ":3:", ":4:", ":5:"):
                self.assertTrue(any(place in line for line in lines), (place, lines))
        self.assertFalse((world.data / "usher.db").exists())

    def test_all_that_is_wrong_with_a_connector_is_reported_at_once_with_its_line_and_column(self):
        world = self.world(start=False)
        wrong = {
            "mail": ["type: email", "address: nobody", "thread_secret: short", "smtp_url: smtp://mail.ex.com", "tls: of",
                     "imap_url: ftp://mail.ex.com", "login: pain", "after_ingest: seem", "poll_every: 1s", "smtp_connections: 99"],
            "form": ["type: webform", "origins: [nowhere]", "redirect_to: [ftp://ex.com]", "per_address_per_minute: 0",
                     "text_bytes_max: 0", "fill_time_min: 11m", "fields: {massage: text}"],
            "shop": ["type: http", "token: abcdefghijklmnop", "webhook_url: https://ex.com", "webhook_secret: plain",
                     "webhook_secret_previous: plain"],
        }
        right = {"type", "smtp_url", "token", "webhook_url"}
        lines, expected = ["tenant: acme", "connectors:"], []
        for name, keys in wrong.items():
            lines.append(f"  {name}:")
            for key, value in (line.split(": ", 1) for line in keys):
                lines.append(f"    {key}: {value}")
                if key not in right:
                    path = f"{key}.massage" if key == "fields" else key
                    expected.append(f":{len(lines)}:{len(key) + 7} connectors.{name}.{path}: ")
        world.config_file.write_text("\n".join(lines) + "\n")
        done = subprocess.run([PROGRAMS / "usherd", "check-config", world.config_file], capture_output=True, text=True, timeout=30)
        self.assertEqual(78, done.returncode, done)
        for place in expected:
            self.assertEqual(1, (done.stdout + done.stderr).count(place), (place, done))

    def test_a_mistyped_key_asks_for_nothing_that_it_would_have_made_needless(self):
        world = self.world(start=False)
        lines = ["tenant: acme", "connectors:", "  mail:", "    type: email", "    address: help@ex.com", "    inbond: sendgrid"]
        world.config_file.write_text("\n".join(lines) + "\n")
        done = subprocess.run([PROGRAMS / "usherd", "check-config", world.config_file], capture_output=True, text=True, timeout=30)
        said = done.stdout + done.stderr
        self.assertIn("did you mean inbound?", said)
        self.assertNotIn("imap_url: missing", said)
        world.config_file.write_text("\n".join(lines[:-1]) + "\n")
        done = subprocess.run([PROGRAMS / "usherd", "check-config", world.config_file], capture_output=True, text=True, timeout=30)
        self.assertIn("imap_url: missing", done.stdout + done.stderr)

    def test_the_default_configuration_is_right(self):
        world = self.world(start=False)
        done = subprocess.run([PROGRAMS / "usherd", "check-config", world.config_file], capture_output=True, text=True)
        self.assertEqual((0, "ok"), (done.returncode, done.stdout.strip()), done.stderr)

    def test_a_reload_changes_skills_for_what_waits_and_a_bad_one_changes_nothing(self):
        world = self.world()
        self.accepted(world.post("Bonjour", key="k", language="fr"))
        ana = world.sign_in("ana")
        ana.settle()
        self.assertEqual([], ana.seen("offer"))
        world.config["agents"]["ana"]["skills"]["french"] = 9
        world.write_config()
        world.signal(signal.SIGHUP)
        wait_for(lambda: "french" in world.log_text(), "the reload is refused in the log")
        self.assertTrue(world.ready())
        world.config["agents"]["ana"]["skills"]["french"] = 4
        world.write_config()
        world.signal(signal.SIGHUP)
        self.assertEqual("Bonjour", ana.take()["messages"][-1]["text"])

    def test_many_reloads_at_once_end_with_the_newest_file_and_a_stop_is_not_held_up(self):
        world = self.world()
        for french in (1, 2, 3, 4, 5):
            world.config["agents"]["ana"]["skills"]["french"] = french
            world.write_config()
            for _ in range(20):
                world.signal(signal.SIGHUP)
        self.accepted(world.post("Bonjour", key="k", language="fr"))
        self.assertEqual("Bonjour", world.sign_in("ana").take()["messages"][-1]["text"])
        for _ in range(20):
            world.signal(signal.SIGHUP)
        self.assertEqual(0, world.stop())
        self.assertNotIn('"level":"error"', world.log_text())

    def test_no_log_line_holds_what_a_customer_or_an_agent_wrote_or_a_secret(self):
        world = self.world(lambda config: config.update(log={"level": "debug"}))
        ana = world.sign_in("ana")
        self.accepted(world.form(name="Canary-Name", email="canary@example.org", message="canary-text-in"))
        ana.reply(ana.take(), "canary-text-out")
        world.post("canary-text-in", token="canary-token-wrong", key="k")
        world.stop()
        log = world.log_text().lower()
        for canary in ("canary", ana.token, "shop-token"):
            self.assertNotIn(canary, log)


@only_on("embedded")
class Retention(EndToEnd):
    def test_old_records_go_and_what_is_still_open_goes_on_rule_X6(self):
        world = self.world(lambda config: config["times"].update(session_grace="60s"))
        ana = world.sign_in("ana")
        accepted = self.accepted(world.form(email="a@b.example", message="Long ago"))
        conversation = ana.take()
        ana.reply(conversation, "Also long ago", id="reply-1")
        wait_for(lambda: len(world.read_link(accepted["link"])["messages"]) == 2, "the reply")
        world.stop()
        self.age(world, days=15)
        world.start()
        before = self.offsets(world, "inbound_0")
        self.assertEqual(0, before[0])
        # A reload looks at once.
        world.config["journal"] = {"retention": "13d"}
        world.write_config()
        world.signal(signal.SIGHUP)
        wait_for(lambda: self.offsets(world, "inbound_0")[0] > 0, "old records are erased")
        self.assertEqual(0, self.offsets(world, "outbound_0")[0], "replies stay for twice as long")
        for _ in range(2):
            ana.connect()
            self.assertEqual(["Long ago", "Also long ago"], [m["text"] for m in ana.welcome["conversations"][0]["messages"]][:2])
            world.restart(hard=True)
        ana.connect()
        ana.reply(conversation, "Still here")
        wait_for(lambda: [m["text"] for m in world.read_link(accepted["link"])["messages"]]
                 == ["Long ago", "Also long ago", "Still here"], "the conversation goes on")

    @staticmethod
    def age(world, days):
        """All of the journal but its last record was written so long ago. Requires: usherd is stopped."""
        with sqlite3.connect(next(world.data.glob("*.db"))) as database:
            for table in ("inbound_0", "outbound_0", "events_0"):
                database.execute(f"UPDATE {table} SET appended_at = appended_at - ? WHERE offset < (SELECT max(offset) FROM {table})"
                                 if table == "inbound_0" else f"UPDATE {table} SET appended_at = appended_at - ?",
                                 (days * 86_400_000,))
        database.close()

    @staticmethod
    def offsets(world, table):
        file = next(world.data.glob("*.db"))
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
            found = database.execute(f"SELECT min(offset), max(offset) FROM {table}").fetchone()
        database.close()
        return found


class DeadLetters(EndToEnd):
    def test_a_record_nobody_can_read_goes_to_dead_letters_and_the_rest_moves_on(self):
        world = self.world()
        self.accepted(world.post("Before", key="before", sender="u1"))
        world.stop()
        poison = b'{"v":1,"this is":\xff\xfe no JSON'
        world.poison(poison)
        world.start()
        self.accepted(world.post("After", key="after", sender="u2"))
        ana = world.sign_in("ana")
        self.assertEqual(["Before", "After"], [ana.take()["messages"][-1]["text"] for _ in range(2)])
        letters = world.operate("GET", "/v1/dead-letters").json()["dead_letters"]
        self.assertEqual(1, len(letters), letters)
        listed = world.ctl("dead-letters", "list")
        self.assertEqual(0, listed.returncode, listed.stderr)
        self.assertIn(str(letters[0]["offset"]), listed.stdout)
        self.assertEqual(0, world.ctl("dead-letters", "show", str(letters[0]["offset"])).returncode)
        again = world.ctl("dead-letters", "requeue", str(letters[0]["offset"]))
        self.assertEqual(0, again.returncode, again.stderr)
        wait_for(lambda: len(world.operate("GET", "/v1/dead-letters").json()["dead_letters"]) == 2,
                 "what is still poison is a dead letter once more")


class Programs(EndToEnd):
    def test_usherctl_shows_status_agents_queues_conversations_and_explains(self):
        world = self.world()
        self.accepted(world.post("Bonjour", key="k", language="fr"))
        world.sign_in("ana").settle()
        for words, needle in ((["status"], "routing"), (["agents"], "ana"), (["queues"], "support"),
                              (["conversations"], "waiting"), (["connectors", "list"], "shop")):
            done = world.ctl(*words)
            self.assertEqual(0, done.returncode, (words, done.stderr))
            self.assertIn(needle, done.stdout, words)
        conversation = world.operate("GET", "/v1/conversations").json()["conversations"][0]["id"]
        explained = world.ctl("explain", conversation)
        self.assertEqual(0, explained.returncode, explained.stderr)
        self.assertIn("skill", explained.stdout)

    def test_usherctl_asks_nothing_of_another_tenant_and_takes_the_token_it_was_told_to(self):
        world = self.world()
        self.assertEqual(0, world.ctl("--tenant", "acme", "queues").returncode)
        other = world.ctl("--tenant", "zeta", "token", "create", "ana")
        self.assertEqual(65, other.returncode, other)
        self.assertIn("this daemon serves the tenant acme, not zeta", other.stderr)
        self.assertEqual("", other.stdout)
        here = world.sign_in("ana", available=False)
        for tenant, code in (("zeta", 65), ("acme", 0)):
            agent = subprocess.run([PROGRAMS / "usherctl", "--tenant", tenant, "agent", "--url", world.url, "--token", world.token_of("ana")],
                                   input="available\n", capture_output=True, text=True, timeout=30)
            self.assertEqual(code, agent.returncode, agent)
            self.assertEqual(code == 65, "this daemon serves the tenant acme, not zeta" in agent.stdout, agent)
            state = {one["id"]: one["presence"] for one in world.operate("GET", "/v1/agents").json()["agents"]}["ana"]
            self.assertEqual(code == 0, state == "available", state)
            # Who is astray takes nobody's place: a newer session of hers would have ended this one.
            if code == 65:
                here.command("presence", state="away")
        # A token stands in the environment as well.
        self.assertEqual(77, world.ctl("--token-file", str(world.folder / "no.token"), "status").returncode)

    def test_a_terminal_agent_works_a_conversation_through_to_the_end(self):
        world = self.world()
        accepted = self.accepted(world.form(email="a@b.example", message="Hello terminal"))
        agent = subprocess.Popen([PROGRAMS / "usherctl", "agent", "--url", world.url, "--token", world.token_of("ana")],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(agent.kill)

        def type_line(line):
            agent.stdin.write(line + "\n")
            agent.stdin.flush()

        def state():
            return world.read_link(accepted["link"])["state"]

        type_line("available")
        wait_for(lambda: state() == "offered", "the offer")
        type_line("accept")
        wait_for(lambda: state() == "assigned", "the assignment")
        type_line("reply Hello from the terminal")
        wait_for(lambda: len(world.read_link(accepted["link"])["messages"]) == 2, "the reply")
        type_line("close solved")
        wait_for(lambda: state() in ("wrap_up", "closed"), "the close")
        type_line("quit")
        output, _ = agent.communicate(timeout=15)
        self.assertEqual(0, agent.returncode, output)
        self.assertIn("Hello terminal", output)

    def test_a_token_made_by_usherctl_signs_in(self):
        world = self.world()
        made = world.ctl("token", "create", "ana")
        self.assertEqual(0, made.returncode, made.stderr)
        ana = world.sign_in("ana", token=made.stdout.split()[-1])
        with self.assertRaises(Refused) as refused:
            ana.command("accept", offer="0" * 32)
        self.assertIn(refused.exception.code, ("unknown_offer", "stale_offer"))

    def test_normalize_prints_the_message_and_refuses_rubbish_with_65(self):
        world = self.world(start=False)
        form = "name=Zoe&email=zoe%40example.org&message=Hello"
        done = world.ctl("normalize", "webform", input_text=form, admin=False)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn('"text":"Hello"', done.stdout)
        self.assertEqual(65, world.ctl("normalize", "http", input_text="{", admin=False).returncode)
