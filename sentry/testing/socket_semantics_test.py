"""Linux as the oracle: runs socket_semantics.py and packet_semantics.py natively and in a sandbox, and compares line by line.

Needs root. Makes a network namespace of its own and deletes it. Arguments: the `sandboxed` binary, the programs.
"""
import os, shutil, subprocess, sys, tempfile, unittest

SANDBOXED, PROGRAM, PACKET_PROGRAM = (os.path.abspath(path) for path in sys.argv[1:4])

# Situations in which the sandbox is known to differ, with the reason. Each is in docs as well.
EVERYWHERE = {}
# Loopback connections that the sandbox joins by one kernel socket: the peer's close is seen as a close of
# both directions, and nothing of TCP's reset handshake exists.
JOINED = {'end', 'write after end', 'linger of none', 'shutdown both, peer', 'duplicate closed',
          'backlog of none', 'shutdown read'}
# Nobody asks the sentry about write(2).
PACKETS = {'plain send, unbound', 'plain send of too little'}
# Seconds that the programs wait for what is under way. A busy machine may need more: what differs must do so
# each time.
PATIENCE = (0.2, 1, 3)


def lines(text):
    out = {}
    for line in text.splitlines():
        name, _, value = line.partition(': ')
        out.setdefault(name, []).append(value)
    return out


class SocketSemanticsTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.namespace = 'moat-sem-%d' % os.getpid()
        self.state = tempfile.mkdtemp(prefix='moat-sem-')
        subprocess.run(['ip', 'netns', 'add', self.namespace], check=True)
        subprocess.run(['ip', '-n', self.namespace, 'link', 'set', 'lo', 'up'], check=True)

    def tearDown(self):
        subprocess.run(['ip', 'netns', 'del', self.namespace], check=False)
        shutil.rmtree(self.state)

    def run_program(self, prefix, version, patience, direct='1'):
        program = [PROGRAM, version] if version else [PACKET_PROGRAM]
        result = subprocess.run(prefix + [sys.executable] + program, capture_output=True, text=True,
                                timeout=600, env=dict(os.environ, SANDBOXED_DIRECT=direct, SETTLE=str(patience)))
        out = lines(result.stdout)
        if result.returncode != 0:
            out['exit'] = [result.returncode, result.stderr + result.stdout[-2000:]]
        return out

    def differences(self, version, direct, allowed, patience):
        native = self.run_program(['ip', 'netns', 'exec', self.namespace], version, patience)
        ours = self.run_program([SANDBOXED, '/run/netns/' + self.namespace, self.state], version, patience, direct)
        return {name: '%s\n  Linux  %s\n  sandbox %s' % (name, native.get(name), ours.get(name))
                for name in list(native) + [n for n in ours if n not in native]
                if (native.get(name) != ours.get(name) or name == 'exit') and name not in allowed}

    def compare(self, version, direct, allowed):
        wrong = None
        for patience in PATIENCE:
            found = self.differences(version, direct, allowed, patience)
            wrong = {name: text for name, text in found.items() if wrong is None or name in wrong or 'exit' in found}
            if not wrong:
                return
        self.fail('\n' + '\n'.join(wrong.values()))

    def test_ipv4_through_the_stack(self):
        self.compare('4', '0', EVERYWHERE)

    def test_ipv6_through_the_stack(self):
        self.compare('6', '0', EVERYWHERE)

    def test_packet_sockets(self):
        self.compare(None, '1', PACKETS)

    def test_ipv4_joined(self):
        self.compare('4', '1', JOINED)

    def test_ipv6_joined(self):
        self.compare('6', '1', JOINED)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
