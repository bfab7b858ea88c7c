export { NewSenderPage } from "./NewSenderPage";
export { SenderPage } from "./SenderPage";
export { SendersPage } from "./SendersPage";
