"""What a Word document says, for comparison with facts."""

from __future__ import annotations

import io

from docx import Document


def words(data: bytes) -> str:
    """All text of the body and of the foot, paragraphs and cells, in a line each."""
    document = Document(io.BytesIO(data))
    feet = [paragraph.text for section in document.sections for paragraph in section.footer.paragraphs[:-1]]
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells, *feet])


def table_texts(data: bytes) -> dict[str, str]:
    """The first table as label → value; blanks inside labels are for the eye."""
    found: dict[str, str] = {}
    for row in Document(io.BytesIO(data)).tables[0].rows:
        texts = list(dict.fromkeys(cell._tc for cell in row.cells))
        cells = [next(cell.text for cell in row.cells if cell._tc is one) for one in texts]
        for label, value in zip(cells[::2], cells[1::2], strict=True):
            found[label.replace("　", "").replace(" ", "")] = value
    return found
