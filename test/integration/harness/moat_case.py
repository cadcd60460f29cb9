"""Containers of `moat run`, as the cases of program_cases.py and others want them."""

import shutil
import unittest

from harness.container import Container
from harness.program_cases import ProgramRun, make_files
from harness.world import World, addresses


class MoatCase(ProgramRun, unittest.TestCase):
    """Each case has a world of its own."""

    files = None
    seconds = 2

    @classmethod
    def setUpClass(cls):
        if MoatCase.files is None:  # one for all of a module, since programs are built there
            MoatCase.files = make_files()
            unittest.addModuleCleanup(MoatCase.remove_files)

    @staticmethod
    def remove_files():
        shutil.rmtree(MoatCase.files, ignore_errors=True)
        MoatCase.files = None

    def setUp(self):
        self.world = World().__enter__()
        self.addCleanup(self.world.close)
        self.on_client = self.world.on_client
        self.start_on_client = self.world.start_on_client
        self.wait_for_port = self.world.wait_for_port

    def addresses(self, version):
        return addresses(version)

    def listen_address(self, server):
        return server

    def container(self, argv, **options):
        made = Container(argv, self.world, **options)
        self.addCleanup(made.close)
        return made

    def serve(self, argv, port, address, **options):
        """A container running a server that listens on `port`."""
        made = self.container(argv, **options).start()
        try:
            self.world.wait_for_port(address, port, made.alive)
        except AssertionError as error:
            self.fail("%s\n%s" % (error, made.diagnosis()))
        return made
