// Checks an Amazon States Language file with AWS's own language service. Prints every finding; exit 1 on any.
const fs = require('fs')
const { getLanguageService, TextDocument } = require('amazon-states-language-service')

const file = process.argv[2]
const document = TextDocument.create('file:///' + file, 'asl', 1, fs.readFileSync(file, 'utf8'))
const service = getLanguageService({})
service.doValidation(document, service.parseJSONDocument(document), undefined, { shouldValidateCompleteness: true }).then((found) => {
  for (const d of found) {
    console.log(`${file}:${d.range.start.line + 1}: ${d.message}`)
  }
  process.exit(found.length ? 1 : 0)
})
