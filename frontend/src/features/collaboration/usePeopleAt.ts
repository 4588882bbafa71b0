import { computed } from 'vue'
import type { LivePerson } from '@/api/live'
import { usePeople } from '@/shared/composables/useLive'

/** Returns who of the others is at an item. */
export function usePeopleAt(project: () => string): (item: string | null | undefined) => LivePerson[] {
  const others = usePeople(project)
  const found = computed(() => {
    const byItem = new Map<string, LivePerson[]>()
    for (const person of others.value) {
      if (person.item) byItem.set(person.item, [...(byItem.get(person.item) ?? []), person])
    }
    return byItem
  })
  return (item) => found.value.get(item ?? '') ?? []
}
