import { describe, expect, it } from 'vitest'
import { cleanPasted } from './paste'

const WORD = `<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style>p.MsoNormal{margin:0}</style></head>
<body><!--StartFragment--><p class=MsoNormal style='margin:0cm'>The <b style='mso-bidi-font-weight:normal'>brake</b>
shall <span style='font-weight:bold'>hold</span>.<o:p></o:p></p>
<p class=MsoListParagraphCxSpFirst style='text-indent:-18.0pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='mso-list:Ignore'>·<span style='font:7.0pt "Times New Roman"'>&nbsp; </span></span><![endif]>first</p>
<p class=MsoListParagraphCxSpMiddle style='mso-list:l0 level2 lfo1'><span style='mso-list:Ignore'>o </span>deeper</p>
<p class=MsoListParagraphCxSpLast style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>· </span>second</p>
<table class=MsoTableGrid style='width:100%'><tr><td width=100 style='border:solid'><p class=MsoNormal>cell</p></td></tr></table>
<p class=MsoNormal><o:p>&nbsp;</o:p></p><!--EndFragment--></body></html>`

describe('cleanPasted', () => {
  const clean = cleanPasted(WORD).replace(/\s+/g, ' ')

  it('drops the styles and elements of Word', () => {
    expect(clean).not.toMatch(/mso|Mso|style=|class=|o:p|<style/)
  })
  it('keeps emphasis, however it was said', () => {
    expect(clean).toContain('<b>brake</b>')
    expect(clean).toContain('<strong>hold</strong>')
  })
  it('makes lists of what looks like one, with their levels', () => {
    expect(clean).toMatch(/<ul> ?<li>first ?<ul> ?<li>deeper<\/li> ?<\/ul> ?<\/li> ?<li>second<\/li> ?<\/ul>/)
  })
  it('keeps tables and drops empty paragraphs', () => {
    expect(clean).toContain('<td><p>cell</p></td>')
    expect(clean).not.toMatch(/<p>\s*<\/p>/)
  })
  it('leaves plain markup alone', () => {
    expect(cleanPasted('<p>a <a href="https://example.org">link</a></p>')).toBe(
      '<p>a <a href="https://example.org">link</a></p>',
    )
  })
})
