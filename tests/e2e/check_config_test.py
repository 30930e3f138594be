"""What `usherd check-config` tells of a file in which a key is mistyped: what is surely wrong, and nothing that comes of that key alone."""
import subprocess

from case import EndToEnd
from world import PROGRAMS


class MistypedKeys(EndToEnd):
    def test_a_mistyped_key_hides_no_finding_that_only_has_its_name_among_its_words(self):
        world = self.world(start=False)
        # What is written, what is told beside the key itself, and what waits until that is mended.
        cases = [
            ("adress: help@ex.com\n    aliases: [nobody]", ["aliases: is no mail address"], ["mail.address: is"]),
            ("address: help@ex.com\n    smtp_url: smtp://mx.ex.com\n    smtp_logn: none", ["password: missing"], []),
            ("address: help@ex.com\n    smtp_url: ftp://mx.ex.com\n    smtp_user: [ana]", ["smtp_url: must be"], []),
            ("address: help@ex.com\n    nmae: Help\n    authserv_id: a b", ["authserv_id: must be the server's name"], []),
            ("address: help@ex.com\n    aftr_ingest: move\n    move_to: Done\n    imap_url: imaps://mx.ex.com", ["password: missing"],
             ["move_to: "]),
            ("address: help@ex.com\n    foldr: Help\n    move_to: INBOX\n    after_ingest: move\n    imap_url: imaps://mx.ex.com", ["password: missing"],
             ["move_to: "]),
        ]
        for written, told, waits in cases:
            world.config_file.write_text(f"tenant: acme\nconnectors:\n  mail:\n    type: email\n    {written}\n")
            done = subprocess.run([PROGRAMS / "usherd", "check-config", world.config_file], capture_output=True, text=True, timeout=30)
            said = done.stdout + done.stderr
            self.assertEqual(78, done.returncode, said)
            for sentence in told:
                self.assertIn(sentence, said)
            for sentence in waits:
                self.assertNotIn(sentence, said)
