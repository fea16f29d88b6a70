//go:build linux

// device-mapper's ioctls as bytes (linux/dm-ioctl.h): what the bare loop makes, and how a measurement sees that both
// sides are at rest.

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	controlPath = "/dev/mapper/control"
	// _IOWR(0xfd, 0, struct dm_ioctl), without the command's number.
	commandBase = 0xc138fd00
	headerBytes = 312
	specBytes   = 40
	replyBytes  = 2048
	listBytes   = 4 << 20

	commandList    = 2
	commandCreate  = 3
	commandRemove  = 4
	commandSuspend = 6
	commandLoad    = 9
	commandStatus  = 12
	commandMessage = 14

	flagNoFlush = 1 << 11

	settledPoll = 200 * time.Millisecond
	settledMax  = 2 * time.Minute
)

type control struct{ file *os.File }

func openControl() (control, error) {
	file, err := os.OpenFile(controlPath, os.O_RDWR, 0)
	return control{file}, err
}

// header is a whole request without a payload, sizeBytes long.
func header(name, uuid string, flags uint32, sizeBytes int) []byte {
	request := make([]byte, sizeBytes)
	binary.LittleEndian.PutUint32(request, 4)
	binary.LittleEndian.PutUint32(request[12:], uint32(sizeBytes))
	binary.LittleEndian.PutUint32(request[16:], headerBytes)
	binary.LittleEndian.PutUint32(request[28:], flags)
	copy(request[48:48+127], name)
	copy(request[176:176+128], uuid)
	return request
}

func (c control) call(command uintptr, request []byte) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, c.file.Fd(), commandBase+command, uintptr(unsafe.Pointer(&request[0])))
	if errno != 0 {
		return fmt.Errorf("device-mapper's ioctl %d: %w", command, errno)
	}
	return nil
}

func (c control) message(pool, text string) error {
	request := header(pool, "", 0, headerBytes+8+len(text)+1)
	copy(request[headerBytes+8:], text)
	return c.call(commandMessage, request)
}

// create answers the new device's minor number.
func (c control) create(name, uuid string) (uint64, error) {
	request := header(name, uuid, 0, headerBytes)
	if err := c.call(commandCreate, request); err != nil {
		return 0, err
	}
	return uint64(unix.Minor(binary.LittleEndian.Uint64(request[40:]))), nil
}

func (c control) load(name, target, parameters string, sectors uint64) error {
	size := (specBytes + len(parameters) + 1 + 7) &^ 7
	request := header(name, "", 0, headerBytes+size)
	binary.LittleEndian.PutUint32(request[20:], 1)
	spec := request[headerBytes:]
	binary.LittleEndian.PutUint64(spec[8:], sectors)
	binary.LittleEndian.PutUint32(spec[20:], uint32(size))
	copy(spec[24:40], target)
	copy(spec[specBytes:], parameters)
	return c.call(commandLoad, request)
}

func (c control) resume(name string) error {
	return c.call(commandSuspend, header(name, "", 0, headerBytes))
}

func (c control) remove(name string) error {
	return c.call(commandRemove, header(name, "", 0, headerBytes))
}

// poolStatus asks without a flush, and answers the pool's status line.
func (c control) poolStatus(pool string) (string, error) {
	request := header(pool, "", flagNoFlush, replyBytes)
	if err := c.call(commandStatus, request); err != nil {
		return "", err
	}
	line := request[headerBytes+specBytes:]
	return string(line[:bytes.IndexByte(line, 0)]), nil
}

func (c control) devices() (count int, err error) {
	request := header("", "", 0, listBytes)
	if err := c.call(commandList, request); err != nil {
		return 0, err
	}
	at := binary.LittleEndian.Uint32(request[16:])
	if binary.LittleEndian.Uint64(request[at:]) == 0 {
		return 0, nil
	}
	for count = 1; ; count++ {
		next := binary.LittleEndian.Uint32(request[at+8:])
		if next == 0 {
			return count, nil
		}
		at += next
	}
}

// untilSettled waits until the number of dm devices has been the same for so long: nothing is made ahead and nothing
// is cleared away any more.
func untilSettled(quiet time.Duration) error {
	dm, err := openControl()
	if err != nil {
		return err
	}
	defer dm.file.Close()
	last, since := -1, time.Now()
	for deadline := time.Now().Add(settledMax); ; time.Sleep(settledPoll) {
		now, err := dm.devices()
		if err != nil {
			return err
		}
		if now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) >= quiet {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the number of dm devices, %d, still changes after %s", now, settledMax)
		}
	}
}
