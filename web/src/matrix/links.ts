// The client's own addresses, all behind the #, so that the server never sees whom one asks for.

export type Place =
  | { screen: "chats" }
  | { screen: "friends" }
  | { screen: "group" }
  | { screen: "me" }
  | { screen: "settings" }
  | { screen: "courier" }
  | { screen: "tower" }
  | { screen: "hub" }
  | { screen: "join"; token: string }
  | { screen: "room"; roomId: string; eventId?: string }
  | { screen: "person"; userId: string };

const PLAIN = ["chats", "friends", "group", "me", "settings", "courier", "hub", "tower"] as const;
const USER_ID = /^@[^\s:]{1,200}:[^\s/]{1,230}$/;

export function readPlace(hash: string): Place {
  const [kind = "", ...rest] = hash.replace(/^#?\/?/, "").split("/");
  let given: string[] = [];
  try {
    given = rest.map((part) => decodeURIComponent(part));
  } catch {
    return { screen: "chats" };
  }
  const [roomId = "", eventId = ""] = given;
  if (kind === "u" && USER_ID.test(given.join("/"))) return { screen: "person", userId: given.join("/") };
  if (kind === "room" && roomId.startsWith("!"))
    return { screen: "room", roomId, ...(eventId.startsWith("$") ? { eventId } : {}) };
  return kind === "join" ? joinPlace(roomId) : { screen: PLAIN.find((name) => name === kind) ?? "chats" };
}

const joinPlace = (token: string): Place => (/^[\w.~-]{1,64}$/.test(token) ? { screen: "join", token } : { screen: "chats" });

export function hashOf(place: Place): string {
  if (place.screen === "room") {
    const parts = place.eventId ? [place.roomId, place.eventId] : [place.roomId];
    return `#/room/${parts.map((part) => encodeURIComponent(part)).join("/")}`;
  }
  if (place.screen === "person") return `#/u/${place.userId}`;
  if (place.screen === "join") return `#/join/${place.token}`;
  return `#/${place.screen}`;
}

/** The place of an address: what people type (`/hub`, `/courier`, `/tower`), or what stands behind the #. */
export function placeOf(pathname: string, hash: string): Place {
  const typed = ["/hub", "/courier", "/tower"].includes(pathname) && !hash;
  return readPlace(typed ? pathname : hash);
}

/** What one gives to a friend, as text or QR. `hub`: the town hall at which the newcomer's rooms are kept, too. */
export function linkTo(origin: string, userId: string, hub = ""): string {
  const query = hub ? `?hub=${encodeURIComponent(hub)}` : "";
  return `${origin}/${query}${hashOf({ screen: "person", userId })}`;
}

/** The hub that an invitation names, if it looks like one. */
export function hubOf(search: string): string | null {
  const hub = new URLSearchParams(search).get("hub") ?? "";
  return /^[\w.-]{1,63}$/.test(hub) ? hub : null;
}
