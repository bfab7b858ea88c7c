export type { Me, SenderFact } from "./api";
export {
  useChangeMe,
  useChangePassword,
  useLink,
  useMe,
  useSignIn,
  useSignOut,
  useSwitchWorkspace,
  useTakeLink,
} from "./api";
export { Moment } from "./Moment";
export { SessionProvider, useMay, useSession, useWhere } from "./session";
export { useLive, useLiveState } from "./useLive";
export { setClockOffset, useNow } from "./useNow";
export { usePhoneDoor } from "./usePhoneDoor";
