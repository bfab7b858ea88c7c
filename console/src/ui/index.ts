export {
  ActionIcon,
  Anchor,
  Avatar,
  Box,
  Button,
  Checkbox,
  Code,
  CopyButton,
  createPolymorphicComponent,
  Divider,
  Drawer,
  FileButton,
  Group,
  Indicator,
  Kbd,
  Loader,
  Menu,
  Modal,
  NumberInput,
  PasswordInput,
  Popover,
  Progress,
  Radio,
  SegmentedControl,
  Select,
  SimpleGrid,
  Skeleton,
  Stack,
  Switch,
  Table,
  Tabs,
  TagsInput,
  Text,
  Textarea,
  TextInput,
  Title,
  Tooltip,
  UnstyledButton,
  useComputedColorScheme,
  useMantineColorScheme,
  VisuallyHidden,
} from "@mantine/core";
export { useDebouncedValue, useDisclosure, useHotkeys, useLocalStorage, useMediaQuery } from "@mantine/hooks";
export { notifications } from "@mantine/notifications";
export { Spotlight, type SpotlightActionData, spotlight } from "@mantine/spotlight";
export { Badge, type Tone } from "./Badge";
export { Card, Fact, Facts } from "./Card";
export { ConfirmDialog } from "./ConfirmDialog";
export { CopyText } from "./CopyText";
export { type Column, DataTable } from "./DataTable";
export { EmptyState } from "./EmptyState";
export { ErrorState } from "./ErrorState";
export { FormErrors } from "./FormErrors";
export * from "./icons";
export { Link } from "./Link";
export { LoadingState } from "./LoadingState";
export { Note } from "./Note";
export { PageBody, PageHeader } from "./PageHeader";
export { PersonAvatar } from "./PersonAvatar";
export { Provider } from "./Provider";
export { Stat } from "./Stat";
