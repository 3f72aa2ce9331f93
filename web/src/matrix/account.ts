// What asks for the password again: signing a device out, and leaving the service for good.
import { type MatrixClient, MatrixError } from "matrix-js-sdk";

interface Challenge {
  session?: string;
}

/** @throws WrongPassword */
export class WrongPassword extends Error {}

export async function signOutDevice(client: MatrixClient, deviceId: string, password: string): Promise<void> {
  await confirmed(client, password, (auth) => client.deleteDevice(deviceId, auth as never));
}

/** The account cannot be used again, by anybody. */
export async function leaveService(client: MatrixClient, password: string): Promise<void> {
  await confirmed(client, password, (auth) => client.deactivateAccount(auth as never, true));
}

async function confirmed(client: MatrixClient, password: string, act: (auth?: object) => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const session = error instanceof MatrixError && error.httpStatus === 401 ? (error.data as Challenge).session : null;
    if (!session) throw error;
    const identifier = { type: "m.id.user", user: client.getSafeUserId() };
    try {
      await act({ type: "m.login.password", identifier, password, session });
    } catch (refused) {
      const { httpStatus = 0 } = refused instanceof MatrixError ? refused : {};
      throw httpStatus === 401 || httpStatus === 403 ? new WrongPassword() : refused;
    }
  }
}
