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
            from quantrac.io.kafka import KafkaProducer
            from quantrac.io.kafka_connection import KafkaConnection
            with contextlib.suppress(Exception):
                KafkaProducer(KafkaConnection("127.0.0.1:9"))

        @pytest.mark.unit
        def test_stays_pure():
            assert True
        """
    )
    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=3, errors=2)
