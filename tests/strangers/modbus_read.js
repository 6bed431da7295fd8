// Reads a card from the door controller's FIFO, releases relay 1 and acknowledges the read: node modbus_read.js PORT
"use strict";
const ModbusRTU = require("modbus-serial");

async function main(port) {
  const client = new ModbusRTU();
  client.setTimeout(5000);
  await client.connectTCP("127.0.0.1", { port });
  client.setID(1);
  const status = (await client.readInputRegisters(0, 48)).data;
  const newest = status[10] * 65536 + status[11];
  const slot = (await client.readInputRegisters(0x0100 + 22 * (newest % 8), 22)).data;
  await client.writeRegister(0x0010, 50);
  await client.writeRegisters(0x0002, [status[10], status[11]]);
  const after = (await client.readInputRegisters(0, 48)).data;
  let refused = null;
  try {
    await client.writeRegister(0x0010, 6001);
  } catch (error) {
    refused = error.modbusCode;
  }
  const value = slot.slice(6).reduce((sum, word) => sum * 65536n + BigInt(word), 0n);
  console.log(JSON.stringify({
    product: status[0], newest, waiting: status[9], reader: slot[2], bitCount: slot[3], value: value.toString(),
    relays: after[42], waitingAfter: after[9], coils: (await client.readCoils(0, 4)).data.slice(0, 4), refused,
  }));
  client.close(() => {});
}

main(Number(process.argv[2])).catch((error) => {
  console.error(error);
  process.exit(1);
});
