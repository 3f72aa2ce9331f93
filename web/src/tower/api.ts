// The service's own interface for the tower, alerts and check-ins (docs/protocol/tower.md), asked by the SDK's client.
import { type MatrixClient, type MatrixError, Method } from "matrix-js-sdk";

export const PREFIX = "/_bongsu/client/v1";

type Query = Record<string, string>;

export const get = <T>(client: MatrixClient, path: string, query: Query = {}, signal?: AbortSignal): Promise<T> =>
  client.http.authedRequest<T>(Method.Get, path, query, undefined, { prefix: PREFIX, ...(signal ? { abortSignal: signal } : {}) });

export const post = <T>(client: MatrixClient, path: string, body: object): Promise<T> =>
  client.http.authedRequest<T>(Method.Post, path, {}, body as Record<string, unknown>, { prefix: PREFIX });

export const put = <T>(client: MatrixClient, path: string, body: object): Promise<T> =>
  client.http.authedRequest<T>(Method.Put, path, {}, body as Record<string, unknown>, { prefix: PREFIX });

/** What a refusal says of itself; undefined: nothing answered. */
export function refusal(error: unknown): { errcode: string; status: number; enrolled?: boolean } | undefined {
  const { errcode = "", httpStatus, data } = error as Partial<MatrixError>;
  if (httpStatus === undefined) return undefined;
  const enrolled = (data as { enrolled?: boolean } | undefined)?.enrolled;
  return { errcode, status: httpStatus, ...(enrolled === undefined ? {} : { enrolled }) };
}
