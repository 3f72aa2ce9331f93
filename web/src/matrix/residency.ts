// "This is my town hall": which hubs keep one's rooms, so that they are there when nothing else can be reached.

export type Api = (path: string, init?: RequestInit) => Promise<Response>;

const PATH = "/_bongsu/client/v1/residency";

/** The hub cannot be chosen here: the sentence says why. */
export class NotChosen extends Error {}

async function hubs(response: Response): Promise<string[]> {
  const { hubs = [], error } = (await response.json().catch(() => ({}))) as { hubs?: string[]; error?: string };
  if (!response.ok) throw new NotChosen(error ?? String(response.status));
  return hubs;
}

export const homes = async (api: Api): Promise<string[]> => hubs(await api(PATH));

export const moveIn = async (api: Api, hub: string): Promise<string[]> =>
  hubs(await api(PATH, { method: "PUT", body: JSON.stringify({ hub }) }));

export const moveOut = async (api: Api, hub: string): Promise<string[]> =>
  hubs(await api(`${PATH}/${encodeURIComponent(hub)}`, { method: "DELETE" }));

/** Moves a newcomer in where the invitation said, once it can be told to a data centre; until then it is kept. */
export async function settle(api: Api, store: Pick<Storage, "getItem" | "removeItem">, key: string): Promise<void> {
  const hub = store.getItem(key);
  if (hub === null) return;
  await moveIn(api, hub);
  store.removeItem(key);
}
