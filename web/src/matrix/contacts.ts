// Friends are the people one has a chat with; found by name, account or initial consonants (ㅎㄱㄷ finds 홍길동).
import { getChoseong } from "es-hangul";

export interface Contact {
  userId: string;
  name: string;
}

const bare = (text: string): string => text.toLowerCase().replaceAll(" ", "");

export function matches(contact: Contact, typed: string): boolean {
  const wanted = bare(typed);
  if (wanted === "") return true;
  if (bare(contact.name).includes(wanted) || bare(contact.userId).includes(wanted)) return true;
  return /^[ㄱ-ㅎ]+$/.test(wanted) && bare(getChoseong(contact.name)).includes(wanted);
}

export function byName(contacts: Contact[], locale: string): Contact[] {
  const order = new Intl.Collator(locale);
  return contacts.toSorted((a, b) => order.compare(a.name, b.name));
}
