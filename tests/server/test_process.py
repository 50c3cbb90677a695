"""The server as it really runs: a process of its own, on loopback."""

import signal
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from statistics import median

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from reconciler.model.errors import SettingsError
from reconciler.server.main import TlsFiles, serve
from tests.server.world import read_policy

PROJECT = Path(__file__).parents[2]


@contextmanager
def served(folder):
    """Yield the process and its URL; a process that still runs is killed at the end."""
    command = [sys.executable, "-m", "tests.server.served", str(folder)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def stop(process):
    """Ask the process to end; give its exit code, its last words and the seconds it took."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    words, _ = process.communicate(timeout=20)
    return process.returncode, words.splitlines()[-1], time.monotonic() - began


def test_server_stops_cleanly_on_sigterm_also_while_agents_wait(world, tmp_path):
    with served(tmp_path) as (process, url), httpx2.Client(headers=world.headers) as agent:
        etag = agent.get(f"{url}/v1/policy").headers["etag"]
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(wait_for_policy, agent, url, etag)
            time.sleep(0.5)
            code, words, seconds = stop(process)

            assert waiting.result().status_code == 304
    assert (code, words) == (0, "stopped")
    assert seconds < 3

    with world.store.read() as view:
        contact = view.computers.find(world.computer).last_contact_at
    assert datetime.now(UTC) - contact < timedelta(seconds=30)


def wait_for_policy(agent, url, etag):
    return agent.get(f"{url}/v1/policy?wait=60", headers={"if-none-match": etag}, timeout=90)


def test_waiting_agent_gets_a_change_within_a_second(world, tmp_path):
    with served(tmp_path) as (_, url), httpx2.Client(headers=world.headers) as agent:
        etag = agent.get(f"{url}/v1/policy").headers["etag"]
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(wait_for_policy, agent, url, etag)
            time.sleep(0.5)
            changed = time.monotonic()
            world.set_fact("enforce", "yes")
            response = waiting.result()
            seconds = time.monotonic() - changed

    assert response.status_code == 200
    assert read_policy(response, world.signer.public_key).enforce
    assert seconds < 1


def test_connection_is_kept_for_the_next_request(world, tmp_path):
    with served(tmp_path) as (_, url), httpx2.Client(headers=world.headers) as agent:
        streams = []
        for _ in range(3):
            with agent.stream("GET", f"{url}/v1/policy") as response:
                network = response.extensions["network_stream"]
                streams.append(network.get_extra_info("client_addr"))
                response.read()

    assert streams[0] is not None
    assert len(set(streams)) == 1


def test_answers_do_not_wait_for_delayed_acknowledgements(world, tmp_path):
    with served(tmp_path) as (_, url), httpx2.Client(headers=world.headers) as agent:
        agent.get(f"{url}/v1/policy")
        seconds = []
        for _ in range(20):
            began = time.monotonic()
            agent.get(f"{url}/v1/policy")
            seconds.append(time.monotonic() - began)

    assert median(seconds) < 0.03


def test_killed_server_keeps_what_it_acknowledged(world, tmp_path):
    with served(tmp_path) as (process, url), httpx2.Client(headers=world.headers) as agent:
        for serial in (1, 2, 3):
            batch = world.batch(serial=serial)
            assert agent.post(f"{url}/v1/messages", json=batch).json()["accepted"]
        process.kill()
        process.wait()

    assert world.waiting() == 3


@pytest.mark.usefixtures("world")
def test_server_speaks_tls(tmp_path):
    write_certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(tmp_path / "tls.crt"))
    with served(tmp_path) as (process, url):
        assert url.startswith("https://127.0.0.1:")
        with httpx2.Client(verify=trust) as agent:
            assert agent.get(f"{url}/healthz").status_code == 200

        assert stop(process)[0] == 0


def write_certificate(folder):
    key, now = generate_private_key(SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "site")])
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(addresses, critical=False)
        .sign(key, SHA256())
    )
    (folder / "tls.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "tls.key").write_bytes(pem)


def never(url):
    pytest.fail(f"it serves {url}")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])  # noqa: S104 - must be refused
def test_other_machines_are_not_served_without_tls(world, host):
    with pytest.raises(SettingsError, match="needs TLS"):
        serve(world.app, host=host, on_ready=never)


def test_name_is_no_address(world):
    with pytest.raises(SettingsError, match="not an IP address"):
        serve(world.app, host="site.example", on_ready=never)


def test_certificate_that_is_none_is_an_error(world, tmp_path):
    (tmp_path / "x").write_text("x")
    files = TlsFiles(tmp_path / "x", tmp_path / "x")

    with pytest.raises(SettingsError, match="cannot be used"):
        serve(world.app, tls=files, on_ready=never)


def test_port_in_use_is_an_error(world, tmp_path):
    with served(tmp_path) as (_, url), pytest.raises(SettingsError, match="cannot be used"):
        serve(world.app, port=int(url.rpartition(":")[2]), on_ready=never)
