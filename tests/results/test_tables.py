"""A DataFrame as a table of HTML."""

import re

import pandas as pd

from results.pages.tables import table


def test_a_number_has_all_its_digits_in_a_tooltip_whatever_its_column_holds_it_in() -> None:
    third = 1 / 3
    data = pd.DataFrame({"plain": [third, third], "nullable": pd.Series([third, pd.NA], dtype="Float64")})
    cells = re.findall("<td.*?</td>", "".join(table(data, "thirds")))
    assert cells[:2] == [f'<td class="number" title="{third!r}">0.33333</td>'] * 2
    assert cells[3] == "<td>-</td>"
