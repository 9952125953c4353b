import pytest

pytest_plugins = ["pytester"]


def test_a_pure_test_that_opens_a_socket_fails_even_if_the_error_is_swallowed(
    pytester: pytest.Pytester, request: pytest.FixtureRequest
) -> None:
    conftest = (request.config.rootpath / "tests" / "conftest.py").read_text()
    pytester.makeconftest(conftest)
    pytester.makeini("[pytest]\nmarkers =\n  unit: a\n  contract: b\n  integration: c\n  e2e: d\n")
    pytester.makepyfile(
        """
        import contextlib, socket, pytest

        @pytest.mark.unit
        def test_swallows():
            with contextlib.suppress(Exception), socket.socket() as opened:
                opened.connect(("127.0.0.1", 9))

        @pytest.mark.unit
        def test_makes_a_kafka_client():
            from quantrac.io.kafka.producer import KafkaProducer
            from quantrac.io.kafka.connection import KafkaConnection
            with contextlib.suppress(Exception):
                KafkaProducer(KafkaConnection("127.0.0.1:9"))

        @pytest.mark.unit
        @pytest.mark.parametrize("module, name", [
            ("admin", "KafkaAdmin"), ("consumer", "KafkaConsumer"), ("readers", "table_consumer"),
        ])
        def test_makes_another_kafka_client(module, name):
            from importlib import import_module
            from quantrac.io.kafka.connection import KafkaConnection
            make = getattr(import_module(f"quantrac.io.kafka.{module}"), name)
            more = {"group": "g", "instance": "0", "topics": ["t"]} if name == "KafkaConsumer" else {}
            with contextlib.suppress(Exception):
                make(KafkaConnection("127.0.0.1:9"), **more)

        @pytest.mark.unit
        def test_stays_pure():
            assert True
        """
    )
    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=6, errors=5)
