import { largeReqif } from '../reqif'
import { api, SampleProject } from '../sample'

export interface Shown {
  /** How the pictures of it begin. */
  name: string
  key: string
  document: string
  item: string
  /** A branch that disagrees with its parent. */
  branch?: string
  /** What is compared with the newest version. */
  from: number
}

const THEMES: readonly [string, readonly [string, string][]][] = [
  [
    'Holding',
    [
      [
        'Hold on a slope',
        'The brake shall hold the loaded vehicle on a slope of 20 % for at least 12 hours.',
      ],
      ['Hold while parked', 'The brake shall hold the vehicle without electrical supply.'],
      ['Hold after cooling', 'The brake shall tighten again while the discs cool, at most three times.'],
      ['Clamping force', 'Each actuator shall apply at least 18 kN within 0.8 s.'],
      [
        'Holding on one axle',
        'With one actuator failed, the other shall hold the vehicle on a slope of 8 %.',
      ],
      ['Indicate holding', 'The lamp shall light within 200 ms after the vehicle is held.'],
      ['Indicate doubt', 'If it is not known whether the vehicle is held, the lamp shall flash at 1 Hz.'],
    ],
  ],
  [
    'Releasing',
    [
      [
        'Release on request',
        'The brake shall release within 0.6 s when the driver asks with the pedal pressed.',
      ],
      ['No release unattended', 'The brake shall stay applied while the driver is not seated.'],
      ['Release when driving off', 'The brake shall release when the drive torque exceeds the slope force.'],
      ['Refuse without pedal', 'A request without the pedal pressed shall be refused with a message.'],
      ['Mechanical release', 'A workshop shall be able to release the brake without electrical supply.'],
    ],
  ],
  [
    'Emergency braking',
    [
      ['Brake while moving', 'A pull of the switch above 5 km/h shall decelerate the vehicle by 3 m/s².'],
      ['Stay steerable', 'While decelerating, no wheel of the rear axle shall lock for more than 100 ms.'],
      ['End with the switch', 'Deceleration shall end within 300 ms after the switch is let go.'],
    ],
  ],
  [
    'Diagnosis',
    [
      ['Self test', 'Each start shall test both actuators within 2 s.'],
      ['Store faults', 'Faults shall be stored with time, mileage and supply voltage.'],
      ['Report faults', 'Stored faults shall be readable by the diagnostic service 0x19.'],
      ['Degrade safely', 'A fault of the slope sensor shall lead to the largest clamping force.'],
    ],
  ],
]

/** Sixty rows that read like a real specification: edited, linked, with values, and one version to compare with. */
async function small(): Promise<Shown> {
  const project = await SampleProject.make('EPB')
  await api('PATCH', `/projects/${project.key}`, {
    name: 'Electric parking brake',
    description: 'What the brake shall do, and how it is shown to do it',
  })
  const document = await project.document('System requirements', lines())
  const keys = Array.from({ length: 60 }, (_entry, at) => `${project.key}-${at + 1}`)
  const items = await Promise.all(keys.map((key) => project.item(key)))
  const requirements = items.filter((item) => item.text)
  const value = (datatype: string, name: string): string[] =>
    project.datatype(datatype).enum_values.flatMap((entry) => (entry.name === name ? [entry.id] : []))
  const states = ['Approved', 'Proposed', 'Draft', 'Approved']
  await project.commit(
    requirements.map((item, at) => ({
      op: 'update' as const,
      kind: 'item',
      id: item.id,
      fields: {
        attributes: {
          [project.attribute('Requirement', 'Status')]: value('Status', states[at % 4] ?? 'Draft'),
          [project.attribute('Requirement', 'Priority')]: value('Priority', at % 3 ? 'Must' : 'Should'),
          [project.attribute('Requirement', 'Owner')]: at % 2 ? 'Grace Hopper' : 'Ada Lovelace',
        },
      },
    })),
    'States after the review',
  )
  const colors = ['#a1a1aa', '#3b82f6', '#16a34a', '#dc2626']
  const values = project.datatype('Status').enum_values.map((entry, at) => ({ ...entry, color: colors[at] }))
  await project.commit(
    [{ op: 'update', kind: 'datatype', id: project.datatype('Status').id, fields: { enum_values: values } }],
    'Colours of the states',
  )
  const [first, second, third] = requirements
  if (!first || !second || !third) throw new Error('the sample has no requirements')
  const text = project.attribute('Requirement', 'Text')
  const root = `/projects/${project.key}`
  const { id: branch } = await api<{ id: string }>('POST', `${root}/branches`, { name: 'winter kit' })
  await api('PATCH', `${root}/items/${first.key}?branch=winter%20kit`, {
    attributes: { [text]: '<p>The brake shall hold the vehicle on an icy slope of 20 % for 24 hours.</p>' },
  })
  await api('PATCH', `${root}/items/${third.key}?branch=winter%20kit`, {
    attributes: { [project.attribute('Requirement', 'Owner')]: 'Katherine Johnson' },
  })
  await api('POST', `${root}/baselines`, { name: 'Review 1', description: 'Agreed with the customer' })
  await project.change(first.key, {
    [text]: `<p>The brake shall hold the <strong>fully</strong> loaded vehicle on a slope of 30 % for at least 24 hours,
      with and without electrical supply.</p><ul><li>facing uphill</li><li>facing downhill</li></ul>`,
  })
  await project.change(second.key, { [project.attribute('Requirement', 'Title')]: 'Hold without supply' })
  for (const other of [second, third]) {
    await api('POST', `/projects/${project.key}/links`, {
      source_id: other.id,
      target_id: first.id,
      type_id: project.type('derives from').id,
      attributes: {},
    })
  }
  return { name: '60', key: project.key, document: document.path, item: first.key, from: 5, branch }
}

function lines(): string[] {
  const made: string[] = []
  for (const [chapter, requirements] of THEMES) {
    made.push(`# ${chapter}`)
    for (const variant of ['Normal operation', 'Low temperature', 'Low voltage']) {
      made.push(`## ${variant}`)
      const kept = requirements.slice(0, variant === 'Normal operation' ? undefined : 2)
      for (const [title, text] of kept) made.push(`${title} | ${text}`)
    }
  }
  return [...made, ...made.filter((line) => line.includes(' | '))].slice(0, 60)
}

async function empty(): Promise<Shown> {
  const project = await SampleProject.make('NEW')
  await api('PATCH', `/projects/${project.key}`, { name: 'Empty' })
  const document = await project.document('Nothing yet')
  return { name: '0', key: project.key, document: document.path, item: `${project.key}-1`, from: 1 }
}

async function large(): Promise<Shown> {
  const project = await SampleProject.make('BIG')
  await api('PATCH', `/projects/${project.key}`, { name: 'Five thousand' })
  await project.importReqif('five-thousand.reqif', largeReqif(5000))
  const document = await project.firstDocument()
  return { name: '5000', key: project.key, document: document.path, item: `${project.key}-7`, from: 1 }
}

export const PROJECTS: Record<string, () => Promise<Shown>> = { '0': empty, '60': small, '5000': large }
