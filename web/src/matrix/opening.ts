// The SDK's encryption asks for the keys of whoever invited us lately before it opens, and does not open when the
// network is away. While it opens, such a question is answered with "that server failed", after which it asks again.

export interface Opening {
  fetchFn: typeof globalThis.fetch;
  done: () => void;
}

export function whileOpening(fetch: typeof globalThis.fetch, serverName: string): Opening {
  let opening = true;
  return {
    done: () => (opening = false),
    fetchFn: async (input, init) => {
      try {
        return await fetch(input, init);
      } catch (error) {
        if (!opening || !String(input).includes("/keys/query")) throw error;
        return Response.json({ device_keys: {}, failures: { [serverName]: {} } });
      }
    },
  };
}
