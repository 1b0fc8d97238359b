"""lxml with libxml2 and libxslt shared: what they do together, and that each is there once."""

from pathlib import Path

import pytest

from commonwheel.elf import read_elf
from tests.e2e_recipes.conftest import only, run_in
from tests.e2e_recipes.sandbox import run_with_files

OURS = ("libxml2", "libxslt", "libexslt")

TRANSFORM = """
from lxml import etree, html
sheet = etree.XML('''
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
    xmlns:str="http://exslt.org/strings" extension-element-prefixes="str">
  <xsl:template match="/"><out><xsl:for-each select="str:tokenize(/in, ',')">
    <word><xsl:value-of select="."/></word></xsl:for-each></out></xsl:template>
</xsl:stylesheet>''')
made = etree.XSLT(sheet)(etree.XML("<in>one,two,three</in>"))
schema = etree.XMLSchema(etree.XML('''
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="n" type="xs:int"/>
</xs:schema>'''))
result = {
    "words": made.xpath("//word/text()"),
    "valid": [schema.validate(etree.XML(f"<n>{text}</n>")) for text in ("12", "twelve")],
    "html": html.fromstring("<p>a<br>b").text_content(),
    "versions": [etree.LIBXML_VERSION, etree.LIBXML_COMPILED_VERSION, etree.LIBXSLT_VERSION],
}
"""


def test_xslt_with_extensions_schemas_and_html(environment: Path) -> None:
    answer = run_in(environment, TRANSFORM)
    assert answer["result"] == {
        "words": ["one", "two", "three"],
        "valid": [True, False],
        "html": "ab",
        "versions": [[2, 9, 14], [2, 9, 14], [1, 1, 35]],
    }
    for library in OURS:
        only(answer["mapped"], library)
    # Python's own zlib module maps the system's beside it.
    assert len([path for path in answer["mapped"] if "/libz-commonwheel.so" in path]) == 1


@pytest.mark.parametrize(
    ("module", "library", "node"),
    [("libxml2_so2", "xml2", "LIBXML2_2.9.11"), ("libxslt_so1", "xslt", "LIBXML2_1.1.30")],
)
def test_the_version_nodes_are_upstreams(
    environment: Path, module: str, library: str, node: str
) -> None:
    code = f"from commonwheel_libs import {module} as m; result = m.library_path({library!r})"
    elf = read_elf(Path(run_in(environment, code)["result"]))
    assert node in str(elf.version_definitions)


CATALOG = b"""\
<?xml version="1.0"?>
<catalog xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">
  <system systemId="http://example.invalid/greeting.dtd" uri="file:///etc/xml/greeting.dtd"/>
</catalog>
"""
WITH_DTD = """
import json
from lxml import etree
text = '<!DOCTYPE a SYSTEM "http://example.invalid/greeting.dtd"><a>&hello;</a>'
parser = etree.XMLParser(load_dtd=True, no_network=True)
try:
    print(json.dumps(etree.fromstring(text, parser).text))
except etree.XMLSyntaxError as error:
    print(json.dumps(None))
"""


def test_the_systems_catalog_is_found_where_every_distribution_has_it(environment: Path) -> None:
    dtd = b'<!ENTITY hello "from the catalog">'
    files: dict[str | Path, bytes] = {"/etc/xml/greeting.dtd": dtd}
    assert run_with_files(environment, WITH_DTD, files) is None
    found = run_with_files(environment, WITH_DTD, {**files, "/etc/xml/catalog": CATALOG})
    assert found == "from the catalog"
    own = {"XML_CATALOG_FILES": "/etc/own"}
    assert run_with_files(environment, WITH_DTD, {**files, "/etc/own": CATALOG}, own) == found
