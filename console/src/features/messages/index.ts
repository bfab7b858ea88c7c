export { ChatText } from "./ChatText";
export { MessageCard } from "./MessageCard";
export type { ListRow, MessageBody, MessageButton, MessageStatus } from "./model";
export { PhoneFrame } from "./PhoneFrame";
export { fromChat, fromContent, fromStored } from "./reading";
export { StatusTicks } from "./StatusTicks";
