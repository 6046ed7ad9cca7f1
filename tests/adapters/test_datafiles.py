"""interfaces §2, Data: contacts and customers, CSV or Parquet, as they are written and nothing guessed."""

from __future__ import annotations

import datetime
import io
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.adapters.datafiles import nothing_usable, read_contacts, read_customers
from shared.core.enrichment import ContactsData, CustomersData
from shared.core.errors import Invalid
from tests.fakes import MemoryContainer

CONTACTS = ContactsData(blob="contacts.csv", contact_id="Id", customer_id="Account", email="Email")
CUSTOMERS = CustomersData(blob="contacts.csv", customer_id="Id", name="Account", parent="Email")


def container(content: bytes | str) -> MemoryContainer:
    made = MemoryContainer()
    made.write("contacts.csv", content.encode() if isinstance(content, str) else content)
    return made


def rows(content: bytes | str, source: ContactsData = CONTACTS) -> list[tuple[str, ...]]:
    found = read_contacts(container(content), source)
    columns = [column.to_pylist() for column in (found.contact_id, found.customer_id, found.email)]
    return list(zip(*columns, strict=True))


def faults(content: bytes | str, source: Any = CONTACTS) -> dict[str, str]:
    with pytest.raises(Invalid) as invalid:
        (read_contacts if isinstance(source, ContactsData) else read_customers)(container(content), source)
    return {fault.pointer: fault.detail for fault in invalid.value.faults}


HEADER = "Id,Account,Email\n"
ROW = [("1", "A", "kim@a.example")]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(HEADER + "1,A,kim@a.example\n", ROW, id="comma"),
        pytest.param("Id;Account;Email\r\n1;A;kim@a.example\r\n", ROW, id="semicolon"),
        pytest.param("Id\tAccount\tEmail\n1\tA\tkim@a.example", ROW, id="tab"),
        pytest.param("\ufeff" + HEADER + "1,A,kim@a.example\n", ROW, id="with a mark"),
        pytest.param("\n\r\n" + HEADER + "\n1,A,kim@a.example\n\n", ROW, id="blank lines"),
        pytest.param("Email,More,Account,Id\nkim@a.example,x,A,1\n", ROW, id="another order"),
        pytest.param(
            ' "Id" ,Account,Email \n1,A,kim@a.example\n'.replace(' "Id" ', '"Id "'), ROW, id="names are trimmed"
        ),
        pytest.param('"Id","a,b;c",Account,Email\n1,;;,A,kim@a.example\n', ROW, id="separators in the header's quotes"),
        pytest.param("Id;Account;Email;a,b,c,d,e\n1;A;kim@a.example;x\n", ROW, id="columns decide between separators"),
        pytest.param('Id,"Acc\nount",Account,Email\n1,x,A,kim@a.example\n', ROW, id="line break in the header"),
        pytest.param(
            HEADER + '"1 ""x"", y","A\r\nB",kim@a.example\n', [('1 "x", y', "A\r\nB", "kim@a.example")], id="quotes"
        ),
        pytest.param(HEADER + '5" pipe,A,kim\n', [('5" pipe', "A", "kim")], id="a quote within a field"),
        pytest.param(HEADER + "007,NA,null\n1E5,,\n", [("007", "NA", "null"), ("1E5", "", "")], id="text stays text"),
        pytest.param(HEADER + "True,1.0,2026-01-01\n", [("True", "1.0", "2026-01-01")], id="nothing is guessed"),
        pytest.param(HEADER + ' 1 ,"",  kim\n', [(" 1 ", "", "  kim")], id="blanks are kept for the rules"),
        pytest.param(HEADER + "1,A\n2,B,lee,x,y\n", [("1", "A", ""), ("2", "B", "lee")], id="rows of unequal length"),
        pytest.param(
            HEADER + "\u00fc,Z\u00fcrich|1,rene\u0301@x\n", [("\u00fc", "Z\u00fcrich|1", "rene\u0301@x")], id="UTF-8"
        ),
    ],
)
def test_csv_is_read_as_it_is_written(content, found):
    assert rows(content) == found


def test_a_short_row_in_the_middle_shifts_nothing():
    lines = [f"{number},A,k{number}@a.example" for number in range(70_000)]
    lines[40_000] = "short"
    found = rows(HEADER + "\n".join(lines))

    assert (len(found), found[40_000], found[-1]) == (70_000, ("short", "", ""), ("69999", "A", "k69999@a.example"))


def test_one_column_may_serve_twice():
    source = ContactsData(blob="contacts.csv", contact_id="Email", customer_id="Account", email="Email")

    assert rows(HEADER + "1,A,kim@a.example\n", source) == [("kim@a.example", "A", "kim@a.example")]


@pytest.mark.parametrize(
    ("content", "pointers", "told"),
    [
        ("", ["/contacts/blob"], "is empty"),
        ("\ufeff \n", ["/contacts/blob"], "is empty"),
        (HEADER, ["/contacts/blob"], "has no rows"),
        (HEADER.encode("utf-16"), ["/contacts/blob"], "not UTF-8"),
        ((HEADER + "1,Zürich,x\n").encode("latin-1"), ["/contacts/blob"], "not UTF-8"),
        ("Id,Account,Mail\n1,2,3\n", ["/contacts/email"], "“Id”, “Account”, “Mail”"),
        ("ID,ACCOUNT,EMAIL\n1,2,3\n", ["/contacts/contactId", "/contacts/customerId", "/contacts/email"], "“EMAIL”"),
        (HEADER + '1,A,"kim@a.example\n2,A,lee@a.example\n', ["/contacts/blob"], "quote"),
        (
            'Id,"Account,Email\n1,A,kim@a.example\n',
            ["/contacts/contactId", "/contacts/customerId", "/contacts/email"],
            "no",
        ),
        ('"Id,Account,Email\n1,A,kim@a.example\n', ["/contacts/blob"], "header"),
        (b"PAR1 and no more", ["/contacts/blob"], "Parquet"),
    ],
)
def test_what_is_wrong_is_told_where_it_is_configured(content, pointers, told):
    """interfaces §2: not UTF-8, a missing blob, a missing column, no usable row: 400, naming it."""
    found = faults(content)

    assert list(found) == pointers
    assert all(told in detail and "contacts.csv" in detail for detail in found.values())


def test_rows_of_a_file_without_a_header_are_not_told():
    """interfaces §1: error bodies never name an address."""
    found = faults("1,Acme,kim@a.example\n2,Best,lee@b.example\n")

    assert len(found) == 3
    assert not [word for word in ("kim", "Acme", "lee", "Best") if word in str(found)]
    assert "the first row must name the columns" in found["/contacts/email"]


def test_few_of_many_columns_are_told_and_long_names_cut():
    (told,) = faults(",".join(["Id", "Account", *(f"{'c' * 500}{number}" for number in range(500))]) + "\n1\n").values()

    assert len(told) < 1_000
    assert "and 490 more" in told


def test_an_address_for_a_name_is_not_repeated():
    missing = ContactsData(blob="ada@own.example", contact_id="Id", customer_id="Account", email="ada@own.example")
    with pytest.raises(Invalid) as no_blob:
        read_contacts(MemoryContainer(), missing)
    no_column = faults(HEADER + "1,A,kim@a.example\n", CONTACTS.model_copy(update={"email": "ada@own.example"}))

    assert list(no_column) == ["/contacts/email"]
    assert "ada" not in str(no_column) + no_blob.value.detail


def test_a_missing_blob_is_named():
    with pytest.raises(Invalid) as invalid:
        read_contacts(MemoryContainer(), CONTACTS)

    assert [fault.pointer for fault in invalid.value.faults] == ["/contacts/blob"]
    assert "contacts.csv" in invalid.value.detail


def test_rows_that_are_all_out_are_told_by_reason():
    said = nothing_usable(CONTACTS, {"Incomplete": 2, "OwnOrganisation": 1})

    assert said.faults[0].pointer == "/contacts/blob"
    assert "Incomplete 2, OwnOrganisation 1" in said.faults[0].detail


def parquet(**columns: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


MAILS = ["kim@a.example", "lee@b.example"]


@pytest.mark.parametrize(
    ("ids", "texts"),
    [
        (pa.array(["007", None]), ("007", "")),
        (pa.array(["NA", " x "], pa.large_string()), ("NA", " x ")),
        (pa.array(["A", "A"]).dictionary_encode(), ("A", "A")),
        (pa.array([7, None], pa.int64()), ("7", "")),
        (pa.array([7.0, None]), ("7", "")),
        (pa.array([1e5, float("nan")]), ("100000", "")),
        (pa.array([0.5, 1e300]), ("0.5", str(int(1e300)))),
        (pa.array([float("inf"), 1.0]), ("inf", "1")),
        (pa.array([UUID(int=7).bytes, None], pa.uuid()), (str(UUID(int=7)), "")),
        (pa.array([Decimal("7.00"), Decimal("7.50")]), ("7", "7.5")),
        (pa.array([True, False]), ("true", "false")),
        (pa.array([b"a", b"b"]), ("a", "b")),
        (pa.array([datetime.date(2026, 1, 2), None]), ("2026-01-02", "")),
        (pa.nulls(2), ("", "")),
    ],
)
def test_parquet_columns_of_any_plain_type_become_text(ids, texts):
    """Whole numbers without `.0`, as a table tool writes ids with gaps."""
    found = rows(parquet(Id=ids, Account=["A", "B"], Email=MAILS, More=[[1], [2]]))

    assert [row[0] for row in found] == list(texts)
    assert [row[2] for row in found] == MAILS


@pytest.mark.parametrize("ids", [pa.array([[1], [2]]), pa.array([b"\xff", b"\xfe"]), pa.array([{"a": 1}, {"a": 2}])])
def test_a_parquet_column_without_a_text_form_is_a_fault(ids):
    assert list(faults(parquet(Id=ids, Account=["A", "B"], Email=MAILS))) == ["/contacts/blob"]


def test_a_parquet_file_without_the_column_names_it():
    assert list(faults(parquet(Id=["1"], Account=["A"], Mail=["x"]))) == ["/contacts/email"]
    assert list(faults(parquet(Id=[], Account=[], Email=[]))) == ["/contacts/blob"]


def test_customers_have_names_and_parents_only_where_they_are_configured():
    content = container(HEADER + "1,Name,0\n")
    found = read_customers(content, CUSTOMERS)
    bare = read_customers(content, CustomersData(blob="contacts.csv", customer_id="Id"))

    assert [column and column.to_pylist() for column in (found.customer_id, found.name, found.parent)] == [
        ["1"],
        ["Name"],
        ["0"],
    ]
    assert (bare.name, bare.parent) == (None, None)


def test_customers_without_any_id_cannot_be_used():
    assert faults(HEADER + " ,Name,0\n", CUSTOMERS) == {
        "/customers/blob": "“contacts.csv” has no row with a customer id."
    }
    assert list(faults("Id,Email\n1,2\n", CUSTOMERS)) == ["/customers/name"]


def test_a_hundred_thousand_rows_with_line_breaks_are_read_whole():
    content = HEADER + "".join(f'{number},"A\n{number}",k@a.example\n' for number in range(100_000))

    found = rows(content)

    assert (len(found), found[99_999]) == (100_000, ("99999", "A\n99999", "k@a.example"))
