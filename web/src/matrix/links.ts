// The client's own addresses, all behind the #, so that the server never sees whom one asks for.

export type Place =
  | { screen: "chats" }
  | { screen: "friends" }
  | { screen: "me" }
  | { screen: "settings" }
  | { screen: "tower" }
  | { screen: "room"; roomId: string; eventId?: string }
  | { screen: "person"; userId: string };

const PLAIN = ["chats", "friends", "me", "settings", "tower"] as const;
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
  const plain = PLAIN.find((name) => name === kind);
  return { screen: plain ?? "chats" };
}

export function hashOf(place: Place): string {
  if (place.screen === "room") {
    const parts = place.eventId ? [place.roomId, place.eventId] : [place.roomId];
    return `#/room/${parts.map((part) => encodeURIComponent(part)).join("/")}`;
  }
  if (place.screen === "person") return `#/u/${place.userId}`;
  return `#/${place.screen}`;
}

/** What one gives to a friend, as text or QR. */
export function linkTo(origin: string, userId: string): string {
  return `${origin}/${hashOf({ screen: "person", userId })}`;
}
