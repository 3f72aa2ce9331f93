// The client's own addresses, all behind the #, so that the server never sees whom one asks for.

export type Place =
  | { screen: "chats" }
  | { screen: "friends" }
  | { screen: "me" }
  | { screen: "settings" }
  | { screen: "room"; roomId: string }
  | { screen: "person"; userId: string };

const PLAIN = ["chats", "friends", "me", "settings"] as const;
const USER_ID = /^@[^\s:]{1,200}:[^\s/]{1,230}$/;

export function readPlace(hash: string): Place {
  const [kind = "", ...rest] = hash.replace(/^#?\/?/, "").split("/");
  let given = "";
  try {
    given = decodeURIComponent(rest.join("/"));
  } catch {
    return { screen: "chats" };
  }
  if (kind === "u" && USER_ID.test(given)) return { screen: "person", userId: given };
  if (kind === "room" && given.startsWith("!")) return { screen: "room", roomId: given };
  const plain = PLAIN.find((name) => name === kind);
  return { screen: plain ?? "chats" };
}

export function hashOf(place: Place): string {
  if (place.screen === "room") return `#/room/${encodeURIComponent(place.roomId)}`;
  if (place.screen === "person") return `#/u/${place.userId}`;
  return `#/${place.screen}`;
}

/** What one gives to a friend, as text or QR. */
export function linkTo(origin: string, userId: string): string {
  return `${origin}/${hashOf({ screen: "person", userId })}`;
}
