export { KeywordsPage } from "./KeywordsPage";
