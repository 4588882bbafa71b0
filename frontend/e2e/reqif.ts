const CHAPTER = 50
/** Rows of different heights are what a window gets wrong. */
const TEXT_EACH = 4
const WHEN = 'LAST-CHANGE="2026-11-23T12:00:00Z"'

/** The title of one requirement of `largeReqif`, counted from 1. */
export const titleOf = (n: number): string => `Brake function ${String(n).padStart(5, '0')}`

/** A ReqIF file whose one specification has `count` rows: a chapter, then 49 requirements below it, and so on. */
export function largeReqif(count: number): string {
  const objects: string[] = []
  const rows: string[] = []
  for (let n = 1; n <= count; n += 1) {
    const chapter = (n - 1) % CHAPTER === 0
    objects.push(chapter ? heading(n) : requirement(n))
    if (chapter) rows.push(n === 1 ? '' : '</CHILDREN></SPEC-HIERARCHY>', `${placement(n)}<CHILDREN>`)
    else rows.push(`${placement(n)}</SPEC-HIERARCHY>`)
  }
  rows.push('</CHILDREN></SPEC-HIERARCHY>')
  return `${HEAD}<SPEC-OBJECTS>${objects.join('')}</SPEC-OBJECTS><SPECIFICATIONS>
<SPECIFICATION IDENTIFIER="LARGE-SPEC" ${WHEN} LONG-NAME="Large">
<TYPE><SPECIFICATION-TYPE-REF>LARGE-SPEC-TYPE</SPECIFICATION-TYPE-REF></TYPE>
<CHILDREN>${rows.join('')}</CHILDREN></SPECIFICATION></SPECIFICATIONS>${TAIL}`
}

const placement = (n: number): string =>
  `<SPEC-HIERARCHY IDENTIFIER="P${n}" ${WHEN}><OBJECT><SPEC-OBJECT-REF>O${n}</SPEC-OBJECT-REF></OBJECT>`

const heading = (n: number): string =>
  `<SPEC-OBJECT IDENTIFIER="O${n}" ${WHEN}><VALUES><ATTRIBUTE-VALUE-STRING THE-VALUE="Chapter ${Math.ceil(n / CHAPTER)}">
<DEFINITION><ATTRIBUTE-DEFINITION-STRING-REF>AD-CHAPTER</ATTRIBUTE-DEFINITION-STRING-REF></DEFINITION>
</ATTRIBUTE-VALUE-STRING></VALUES><TYPE><SPEC-OBJECT-TYPE-REF>T-HEADING</SPEC-OBJECT-TYPE-REF></TYPE></SPEC-OBJECT>`

const requirement = (n: number): string =>
  `<SPEC-OBJECT IDENTIFIER="O${n}" ${WHEN}><VALUES><ATTRIBUTE-VALUE-STRING THE-VALUE="${titleOf(n)}">
<DEFINITION><ATTRIBUTE-DEFINITION-STRING-REF>AD-TITLE</ATTRIBUTE-DEFINITION-STRING-REF></DEFINITION>
</ATTRIBUTE-VALUE-STRING>${n % TEXT_EACH === 0 ? text(n) : ''}</VALUES>
<TYPE><SPEC-OBJECT-TYPE-REF>T-REQ</SPEC-OBJECT-TYPE-REF></TYPE></SPEC-OBJECT>`

const text = (n: number): string =>
  `<ATTRIBUTE-VALUE-XHTML><THE-VALUE><xhtml:div><xhtml:p>In state ${n} the brake shall hold the vehicle on a slope of
<xhtml:b>12 %</xhtml:b> and with a full load, for as long as nobody releases it, and it shall tell the driver how firmly it
holds.</xhtml:p></xhtml:div></THE-VALUE><DEFINITION>
<ATTRIBUTE-DEFINITION-XHTML-REF>AD-TEXT</ATTRIBUTE-DEFINITION-XHTML-REF></DEFINITION></ATTRIBUTE-VALUE-XHTML>`

const HEAD = `<?xml version="1.0" encoding="UTF-8"?>
<REQ-IF xmlns="http://www.omg.org/spec/ReqIF/20110401/reqif.xsd" xmlns:xhtml="http://www.w3.org/1999/xhtml">
<THE-HEADER><REQ-IF-HEADER IDENTIFIER="LARGE-HEADER"><CREATION-TIME>2026-11-23T12:00:00Z</CREATION-TIME>
<REQ-IF-TOOL-ID>test</REQ-IF-TOOL-ID><REQ-IF-VERSION>1.0</REQ-IF-VERSION><SOURCE-TOOL-ID>test</SOURCE-TOOL-ID>
<TITLE>Large</TITLE></REQ-IF-HEADER></THE-HEADER><CORE-CONTENT><REQ-IF-CONTENT><DATATYPES>
<DATATYPE-DEFINITION-STRING IDENTIFIER="D-TEXT" ${WHEN} LONG-NAME="Text" MAX-LENGTH="1000"/>
<DATATYPE-DEFINITION-XHTML IDENTIFIER="D-RICH" ${WHEN} LONG-NAME="Rich text"/></DATATYPES><SPEC-TYPES>
<SPEC-OBJECT-TYPE IDENTIFIER="T-REQ" ${WHEN} LONG-NAME="Requirement"><SPEC-ATTRIBUTES>
<ATTRIBUTE-DEFINITION-STRING IDENTIFIER="AD-TITLE" ${WHEN} LONG-NAME="ReqIF.Name">
<TYPE><DATATYPE-DEFINITION-STRING-REF>D-TEXT</DATATYPE-DEFINITION-STRING-REF></TYPE></ATTRIBUTE-DEFINITION-STRING>
<ATTRIBUTE-DEFINITION-XHTML IDENTIFIER="AD-TEXT" ${WHEN} LONG-NAME="ReqIF.Text">
<TYPE><DATATYPE-DEFINITION-XHTML-REF>D-RICH</DATATYPE-DEFINITION-XHTML-REF></TYPE></ATTRIBUTE-DEFINITION-XHTML>
</SPEC-ATTRIBUTES></SPEC-OBJECT-TYPE>
<SPEC-OBJECT-TYPE IDENTIFIER="T-HEADING" ${WHEN} LONG-NAME="Heading"><SPEC-ATTRIBUTES>
<ATTRIBUTE-DEFINITION-STRING IDENTIFIER="AD-CHAPTER" ${WHEN} LONG-NAME="ReqIF.ChapterName">
<TYPE><DATATYPE-DEFINITION-STRING-REF>D-TEXT</DATATYPE-DEFINITION-STRING-REF></TYPE></ATTRIBUTE-DEFINITION-STRING>
</SPEC-ATTRIBUTES></SPEC-OBJECT-TYPE>
<SPECIFICATION-TYPE IDENTIFIER="LARGE-SPEC-TYPE" ${WHEN} LONG-NAME="Specification"/></SPEC-TYPES>`
const TAIL = '</REQ-IF-CONTENT></CORE-CONTENT></REQ-IF>'

/** A ReqIF file of requirements with these titles, and with these pieces of XHTML as their texts. */
export function textsReqif(titles: readonly string[], texts: readonly string[]): string {
  const objects = titles.map(
    (title, n) => `<SPEC-OBJECT IDENTIFIER="O${n}" ${WHEN}><VALUES>
<ATTRIBUTE-VALUE-STRING THE-VALUE="${escaped(title.slice(0, 500))}"><DEFINITION>
<ATTRIBUTE-DEFINITION-STRING-REF>AD-TITLE</ATTRIBUTE-DEFINITION-STRING-REF></DEFINITION></ATTRIBUTE-VALUE-STRING>
${texts[n] === undefined ? '' : xhtml(texts[n])}</VALUES>
<TYPE><SPEC-OBJECT-TYPE-REF>T-REQ</SPEC-OBJECT-TYPE-REF></TYPE></SPEC-OBJECT>`,
  )
  const rows = titles.map((_, n) => `${placement(n)}</SPEC-HIERARCHY>`)
  return `${HEAD}<SPEC-OBJECTS>${objects.join('')}</SPEC-OBJECTS><SPECIFICATIONS>
<SPECIFICATION IDENTIFIER="TEXTS" ${WHEN} LONG-NAME="Texts">
<TYPE><SPECIFICATION-TYPE-REF>LARGE-SPEC-TYPE</SPECIFICATION-TYPE-REF></TYPE>
<CHILDREN>${rows.join('')}</CHILDREN></SPECIFICATION></SPECIFICATIONS>${TAIL}`
}

const xhtml = (content: string): string =>
  `<ATTRIBUTE-VALUE-XHTML><THE-VALUE><div xmlns="http://www.w3.org/1999/xhtml">${content}</div></THE-VALUE><DEFINITION>
<ATTRIBUTE-DEFINITION-XHTML-REF>AD-TEXT</ATTRIBUTE-DEFINITION-XHTML-REF></DEFINITION></ATTRIBUTE-VALUE-XHTML>`

/** Returns a text as an attribute of XML or HTML holds it. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"\t\n\r]/g, (sign) => `&#${String(sign.charCodeAt(0))};`)
