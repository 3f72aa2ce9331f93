// A matrix-js-sdk client that a test drives: a command in JSON on each line of standard input, an answer or an
// event in JSON on each line of standard output. What the SDK logs goes to standard error.

import { createInterface } from "node:readline";

// The SDK asks for Node 22; on Node 20 this is all it misses.
Promise.withResolvers ??= function () {
    let resolve, reject;
    const promise = new Promise((yes, no) => ([resolve, reject] = [yes, no]));
    return { promise, resolve, reject };
};
for (const level of ["log", "info", "debug", "warn"]) console[level] = console.error;
const sdk = await import("matrix-js-sdk");

const TIMELINE_LIMIT = 200;

let client;

function say(value) {
    process.stdout.write(JSON.stringify(value) + "\n");
}

// Events are decrypted side by side; a user sees them in the order of the timeline.
let shown = Promise.resolve();

async function show(event) {
    await client.decryptEventIfNeeded(event);
    const failed = event.isDecryptionFailure();
    if (!failed && event.getType() !== "m.room.message") return;
    say({
        event: failed ? "undecryptable" : "message",
        event_id: event.getId(),
        sender: event.getSender(),
        encrypted: event.isEncrypted(),
        body: event.getContent().body ?? "",
    });
}

function listen() {
    client.on(sdk.RoomEvent.Timeline, (event, _room, toStart, removed, data) => {
        if (!toStart && !removed && data.liveEvent) shown = shown.then(() => show(event));
    });
    client.on(sdk.RoomMemberEvent.Membership, (_event, member) => {
        if (member.userId === client.getUserId())
            say({ event: "membership", room_id: member.roomId, membership: member.membership });
    });
}

const commands = {
    async register({ url, name, password }) {
        const guest = sdk.createClient({ baseUrl: url });
        let auth = { type: "m.login.dummy" };
        const request = { username: name, password, initial_device_display_name: "matrix-js-sdk" };
        let answer;
        try {
            answer = await guest.registerRequest({ ...request, auth });
        } catch (error) {
            if (error.httpStatus !== 401) throw error;
            auth = { ...auth, session: error.data.session };
            answer = await guest.registerRequest({ ...request, auth });
        }
        client = sdk.createClient({
            baseUrl: url,
            userId: answer.user_id,
            deviceId: answer.device_id,
            accessToken: answer.access_token,
        });
        await client.initRustCrypto({ useIndexedDB: false });
        listen();
        // Long enough that no sync leaves a gap, which a user would fill by scrolling back.
        const filter = new sdk.Filter(answer.user_id);
        filter.setTimelineLimit(TIMELINE_LIMIT);
        await client.startClient({ filter, pollTimeout: 10_000, pendingEventOrdering: "detached" });
        await client.getCrypto().bootstrapCrossSigning({
            authUploadDeviceSigningKeys: (upload) =>
                upload(null).catch((error) =>
                    upload({
                        type: "m.login.password",
                        identifier: { type: "m.id.user", user: name },
                        password,
                        session: error.data.session,
                    }),
                ),
        });
        return { user_id: answer.user_id, cross_signing: await client.getCrypto().isCrossSigningReady() };
    },
    async join({ room_id }) {
        await client.joinRoom(room_id);
        return {};
    },
    async send({ room_id, body, txn_id }) {
        const room = client.getRoom(room_id);
        const content = { msgtype: "m.text", body };
        let sending = client.sendEvent(room_id, "m.room.message", content, txn_id);
        for (;;) {
            try {
                return await sending;
            } catch (error) {
                if (error.httpStatus !== undefined && error.httpStatus < 500) throw error;
                // What a user does who presses "send again"; the SDK keeps the transaction id.
                await new Promise((resolve) => setTimeout(resolve, 200));
                const unsent = room.getPendingEvents().find((event) => event.getTxnId() === txn_id);
                sending = client.resendEvent(unsent, room);
            }
        }
    },
    async stop() {
        client?.stopClient();
        setTimeout(() => process.exit(0), 100);
        return {};
    },
};

for await (const line of createInterface({ input: process.stdin })) {
    const { id, command, ...given } = JSON.parse(line);
    commands[command](given)
        .then((result) => say({ id, result }))
        .catch((error) => say({ id, error: String(error?.stack ?? error) }));
}
process.exit(0);
