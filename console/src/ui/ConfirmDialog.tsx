import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";

type Props = {
  opened: boolean;
  onClose: () => void;
  onConfirm: () => void;
  title: string;
  children: ReactNode;
  confirm: string;
  busy?: boolean;
  danger?: boolean;
  typed?: string;
  typedLabel?: string;
  disabled?: boolean;
};

/** Names the thing and the effect; what cannot be undone asks for its name to be typed. */
export function ConfirmDialog(props: Props) {
  const { t } = useTranslation();
  const [written, setWritten] = useState("");
  const ready = !props.disabled && (props.typed === undefined || written.trim() === props.typed);
  return (
    <Modal
      opened={props.opened}
      onClose={props.onClose}
      title={<b>{props.title}</b>}
      closeButtonProps={{ "aria-label": t("ui.close") }}
    >
      <Stack gap="md">
        <div>{props.children}</div>
        {props.typed !== undefined && (
          <TextInput
            label={props.typedLabel}
            value={written}
            onChange={(event) => setWritten(event.currentTarget.value)}
            autoComplete="off"
          />
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={props.onClose}>
            {t("ui.cancel")}
          </Button>
          <Button
            color={props.danger ? "coral" : "iris"}
            disabled={!ready}
            loading={props.busy ?? false}
            onClick={props.onConfirm}
          >
            {props.confirm}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
