"""The metrics page says what the cells hold, in words, and no cell is forgotten."""

from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from shadow_proxy.accounting import CLIENT_CELLS, JOURNAL_CELLS
from shadow_proxy.books import Books, counter_file
from shadow_proxy.config import ProxyConfig
from shadow_proxy.metrics import ProxyCollector


def test_every_cell_has_a_counter_with_words_of_its_own(tmp_path: Path) -> None:
    """A cell without a text would not be on the page."""
    config = ProxyConfig.model_validate(
        {"targets": [{"name": "base", "role": "baseline", "url": "http://127.0.0.1:1"}]}
    )
    books = Books(tmp_path)
    row = counter_file(books.open(config), config, None).row(0)
    row.cells[row.at("requests")] = 7
    row.cells[row.at("client/gone")] = 2
    registry = CollectorRegistry()
    registry.register(ProxyCollector(books, restarts=lambda: 0, shares=lambda: {"canary": 0.25}))
    page = generate_latest(registry).decode()
    for cell in (*CLIENT_CELLS, *JOURNAL_CELLS):
        assert f"\nsparring_proxy_{cell.replace('/', '_')}_total " in page
    assert "sparring_proxy_requests_total 7.0" in page
    assert "sparring_proxy_client_gone_total 2.0" in page
    assert 'sparring_proxy_share{of="canary"} 0.25' in page
    assert "Count of" not in page
