// Reads inputs and a counter, pulses and holds relays of a simulated board: node modbus_board.js PORT
"use strict";
const ModbusRTU = require("modbus-serial");

async function main(port) {
  const client = new ModbusRTU();
  client.setTimeout(5000);
  await client.connectTCP("127.0.0.1", { port });
  client.setID(1);
  const inputs = (await client.readDiscreteInputs(0, 6)).data.slice(0, 6);
  const counter = (await client.readInputRegisters(16, 2)).data;
  await client.writeCoil(0x0000, true);
  await client.writeCoils(0x0002, [true, true]);
  const relays = (await client.readCoils(0, 6)).data.slice(0, 6);
  let refused = null;
  try {
    await client.readCoils(6, 1);
  } catch (error) {
    refused = error.modbusCode;
  }
  console.log(JSON.stringify({ inputs, counter, relays, refused }));
  client.close(() => {});
}

main(Number(process.argv[2])).catch((error) => {
  console.error(error);
  process.exit(1);
});
