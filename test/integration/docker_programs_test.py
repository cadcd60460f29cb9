"""The programs of programs_test.py in containers of `docker run --runtime=moat`, through published ports."""

from harness.docker_case import DockerCase, start_docker, stop_docker
from harness.program_cases import Clients, Servers


def setUpModule():
    start_docker()


def tearDownModule():
    stop_docker()


class ServersUnderDocker(Servers, DockerCase):
    pass


class ClientsUnderDocker(Clients, DockerCase):
    pass
