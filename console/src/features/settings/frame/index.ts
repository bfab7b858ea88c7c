export { SettingsFrame } from "./SettingsFrame";
